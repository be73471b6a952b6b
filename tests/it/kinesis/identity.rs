//! Who it is at AWS: a role assumed with an external id, and a web identity. What AWS's token service says is made up here, and
//! what was asked of it is looked at; nobody but AWS can say whether it would believe it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use crate::process::{Folder, free_port};

/// A request as it came: its head, with names in lower case, and its body.
#[derive(Debug, Clone)]
struct Asked {
    head: String,
    body: String,
}

/// AWS's token service and a Kinesis that knows no stream, at one address, for as long as the test runs.
struct Tokens {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Tokens {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(request) = answer(stream) {
                    noted.lock().unwrap().push(request);
                }
            }
        });
        Self { url, asked }
    }

    /// The first request whose body or head holds `text`.
    #[track_caller]
    fn asked(&self, text: &str) -> Asked {
        let asked = self.asked.lock().unwrap();
        let found = asked.iter().find(|asked| asked.body.contains(text) || asked.head.contains(text));
        found.cloned().unwrap_or_else(|| panic!("nobody asked for {text}: {asked:?}"))
    }
}

/// Reads one request and answers it.
fn answer(mut stream: TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.split_once('\r').and_then(|(digits, _)| digits.parse::<usize>().ok()).unwrap_or_default()
    });
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let (status, said) = match action {
        Some(action) => (
            "200 OK",
            format!(
                "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
                 <AssumedRoleUser><AssumedRoleId>AROA:floodmark</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/floodmark</Arn>\
                 </AssumedRoleUser><Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>test-only\
                 </SecretAccessKey><SessionToken>token-of-the-role</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
                 </Credentials></{action}Result></{action}Response>"
            ),
        ),
        None => (
            "400 Bad Request",
            r#"{"__type":"ResourceNotFoundException","message":"no such stream"}"#.to_owned(),
        ),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
        said.len()
    );
    Some(Asked { head, body })
}

/// `check --online` of a stream that is not there, as nobody but what `aws` and the environment say.
fn check(folder: &Folder, tokens: &Tokens, aws: &str) -> Command {
    let port = free_port();
    folder.write(
        "c.yaml",
        format!(
            "sources:\n  flows:\n    from:\n      kinesis:\n        stream: vpcflow\n        endpoint: \"{}\"\n        \
             checkpoint: {{ file: {{}} }}\n        aws: {aws}\nstate: {{ directory: state }}\n\
             sinks: {{ out: {{ to: {{ stdout: {{}} }} }} }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n",
            tokens.url
        ),
    );
    let mut command = folder.command(&["check", "--online", "-c", "c.yaml"]);
    command.env("AWS_ENDPOINT_URL_STS", &tokens.url).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("AWS_PROFILE");
    command
}

/// Whether Kinesis was asked by the identity that the token service gave.
#[track_caller]
fn assert_asked_as_the_role(tokens: &Tokens) {
    let asked = tokens.asked("x-amz-target: kinesis_20131202.");
    assert!(asked.head.contains("credential=asiaassumed/"), "{}", asked.head);
    assert!(asked.head.contains("x-amz-security-token: token-of-the-role"), "{}", asked.head);
    assert!(asked.head.contains("/eu-central-1/kinesis/"), "{}", asked.head);
}

#[test]
fn a_role_is_assumed_with_its_external_id_and_the_stream_is_read_as_it() {
    let (folder, tokens) = (Folder::new(), Tokens::new());
    let aws =
        "{ region: eu-central-1, role: \"arn:aws:iam::123456789012:role/reader\", external_id: \"of us/7\" }";
    let mut command = check(&folder, &tokens, aws);
    command.env("AWS_ACCESS_KEY_ID", "AKIABASE").env("AWS_SECRET_ACCESS_KEY", "test-only");
    let ended = folder.start(&mut command).wait();
    ended.assert_code(69);
    ended.assert_told("vpcflow");
    let asked = tokens.asked("Action=AssumeRole&");
    assert!(asked.head.contains("credential=akiabase/"), "{}", asked.head);
    for part in [
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freader",
        "ExternalId=of%20us%2F7",
        "RoleSessionName=floodmark",
    ] {
        assert!(asked.body.contains(part), "{part} in {}", asked.body);
    }
    assert_asked_as_the_role(&tokens);
}

#[test]
fn a_web_identity_of_the_environment_is_exchanged_for_the_role_that_it_names() {
    let (folder, tokens) = (Folder::new(), Tokens::new());
    folder.write("token", "a.web.identity");
    let mut command = check(&folder, &tokens, "{ region: eu-central-1 }");
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", folder.path("token"))
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .env("AWS_ROLE_SESSION_NAME", "pod-1");
    folder.start(&mut command).wait().assert_code(69);
    let asked = tokens.asked("Action=AssumeRoleWithWebIdentity");
    assert!(asked.body.contains("WebIdentityToken=a.web.identity"), "{}", asked.body);
    assert!(asked.body.contains("role%2Fpod"), "{}", asked.body);
    assert_asked_as_the_role(&tokens);
}
