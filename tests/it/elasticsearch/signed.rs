//! Requests that are signed for AWS. No Amazon OpenSearch Service can be had here: a proxy before a real server works the
//! signature out for itself, by AWS's own description, and lets nobody else in.

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};

use super::{
    assert_same, config, minimal,
    proxy::{Act, Proxy, Request},
};
use crate::{
    flows,
    process::Folder,
    servers::{Product, namespace},
};

/// Those of AWS's documentation.
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// What stands for a byte of a query: itself, if it is unreserved (RFC 3986), or of what stands for one already.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'%' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The signature that a request should have: steps 1 to 4 of "Create a signed AWS API request" in the IAM user guide. The path
/// is taken as it stands, which S3 asks for, and which is the same where nothing in it is escaped.
pub fn signature(request: &Request, region: &str, service: &str) -> Option<String> {
    let authorization = request.header("authorization")?;
    let signed = authorization.split_once("SignedHeaders=")?.1.split(',').next()?;
    let date = request.header("x-amz-date")?;
    let [method, target, _] = request.line.split(' ').collect::<Vec<_>>()[..] else { return None };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", escaped(name), escaped(value))
        })
        .collect();
    pairs.sort();
    let headers = signed.split(';').map(|name| Some(format!("{name}:{}\n", request.header(name)?)));
    let headers: String = headers.collect::<Option<_>>()?;
    let body = hex(digest(&SHA256, &request.body).as_ref());
    let canonical = format!("{method}\n{path}\n{}\n{headers}\n{signed}\n{body}", pairs.join("&"));
    let scope = format!("{}/{region}/{service}/aws4_request", &date[..8]);
    let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    let mut key = sign(format!("AWS4{SECRET}").as_bytes(), &date[..8]);
    for part in [region, service, "aws4_request"] {
        key = sign(&key, part);
    }
    Some(format!(
        "AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={signed}, Signature={}",
        hex(&sign(&key, &text))
    ))
}

#[test]
fn every_request_is_signed_for_the_region_with_the_credentials_of_the_environment() {
    let name = "every_request_is_signed_for_the_region_with_the_credentials_of_the_environment";
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let proxy = Proxy::new(server.address(), |request, _| {
        let signed = signature(request, "eu-central-1", "es");
        let is_whole = signed.is_some() && request.header("x-amz-content-sha256").is_some();
        match is_whole && signed.as_deref() == request.header("authorization") {
            true => Act::Pass,
            false => Act::Answer(403, "content-type: application/json\r\n", r#"{"message":"The request signature we calculated does not match the signature you provided."}"#.to_owned()),
        }
    });
    for gzip in ["", ", gzip: false"] {
        let (folder, namespace) = (Folder::new(), namespace());
        folder.write("in.log", flows::estate(5));
        folder.write(
            "c.yaml",
            config(&proxy.url(), &namespace, &format!(", auth: {{ aws: {{ region: eu-central-1 }} }}{gzip}")),
        );
        let run = |words: &[&str]| {
            let mut command = folder.command(words);
            command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET);
            folder.start(&mut command).wait()
        };
        run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
        run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert_same(&server, &namespace, &folder);
    }
}

#[test]
fn without_credentials_the_check_says_where_to_look() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(1));
    folder
        .write("c.yaml", config("https://localhost:1", "none", ", auth: { aws: { region: eu-central-1 } }"));
    let mut command = folder.command(&["check", "--online", "-c", "c.yaml"]);
    let nowhere = folder.path("nowhere");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_CONFIG_FILE", &nowhere);
    command.env("AWS_SHARED_CREDENTIALS_FILE", &nowhere).env_remove("AWS_ACCESS_KEY_ID");
    let ended = folder.start(&mut command).wait();
    ended.assert_code(69);
    ended.assert_told("could not get AWS credentials");
    ended.assert_told("see `auth.aws`");
}
