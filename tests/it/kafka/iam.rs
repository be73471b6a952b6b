//! Logging in as Amazon MSK wants it with IAM access control: tokens that the broker's listener checks as `MskIam.java` says,
//! renewed before they end, on every connection there is. MSK itself, which has AWS check them, cannot be had; that the
//! tokens are what AWS's own signer makes, a test in `src/kafka/iam.rs` says.

use std::{collections::BTreeSet, process::Command};

use super::{
    cluster::{Cluster, Listener, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::lines,
};
use crate::process::Ended;

/// How long the credentials of [`Identities`] last. librdkafka asks for others after four fifths of it.
const LIFE_SECONDS: u32 = 20;

/// Two AWS profiles, `source` and `sink`, whose credentials end soon and name a session that says whose they are.
struct Identities {
    stem: String,
}

// === impl Identities ===

impl Identities {
    /// Gives them to the next start of `instance`.
    fn to(instance: &mut Instance) -> Self {
        let stem = unique("session");
        let process = instance.folder.path("credentials.sh");
        let script = format!(
            "now=$(date +%s)\n\
             echo '{{\"Version\": 1, \"AccessKeyId\": \"AKIDFLOW\", \"SecretAccessKey\": \"test-only\",'\n\
             echo '\"SessionToken\": \"{stem}/'$1'/'$(date +%s%N)'\",'\n\
             echo '\"Expiration\": \"'$(date -u -d @$((now + {LIFE_SECONDS})) +%FT%TZ)'\"}}'\n"
        );
        instance.folder.write("credentials.sh", script);
        let profile =
            |name: &str| format!("[profile {name}]\ncredential_process = sh {} {name}\n", process.display());
        instance.folder.write("aws", profile("source") + &profile("sink"));
        let config = instance.folder.path("aws");
        instance.set("AWS_CONFIG_FILE", config.to_str().unwrap());
        instance.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        Self { stem }
    }

    /// How many tokens of `role` the broker has taken.
    fn taken(&self, cluster: &Cluster, role: &str) -> usize {
        let begin = format!("iam: taken: session={}/{role}/", self.stem);
        let log = cluster.log();
        let sessions = log.lines().filter_map(|line| line.strip_prefix(&begin)?.split(' ').next());
        sessions.collect::<BTreeSet<_>>().len()
    }
}

/// The keys that reach the listener with `identity`.
fn reach(cluster: &Cluster, identity: &str) -> [(&'static str, String); 3] {
    [
        ("brokers", format!("[\"{}\"]", cluster.address(Listener::SaslSsl))),
        ("tls", format!("{{ ca: \"{}\" }}", cluster.authority().display())),
        ("auth", format!("{{ msk_iam: {identity} }}")),
    ]
}

/// A plan whose source is `identity`.
fn plan(cluster: &Cluster, topic: &str, group: &str, identity: &str) -> Plan {
    let keys = reach(cluster, identity).into_iter();
    keys.fold(Plan::new(cluster, topic, group), |plan, (key, value)| plan.key(key, &value))
}

/// A place of documents, in YAML.
fn to(cluster: &Cluster, topic: &str, rest: &str) -> String {
    let keys = reach(cluster, "{ region: eu-central-1, profile: sink }");
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{ to: {{ kafka: {{ {}, topic: {topic}{rest} }} }} }}", keys.join(", "))
}

/// Waits until the broker has taken further tokens of source and sink, while nothing is read or written.
fn until_renewed(instance: &mut Instance, cluster: &Cluster, identities: &Identities, tokens: usize) {
    for role in ["source", "sink"] {
        let had = identities.taken(cluster, role);
        assert!(had > 0, "{role}");
        instance.until("another token", || (identities.taken(cluster, role) >= had + tokens).then_some(()));
    }
}

#[test]
fn source_and_sink_log_in_with_tokens_and_stay_logged_in_with_others() {
    let name = "source_and_sink_log_in_with_tokens_and_stay_logged_in_with_others";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (input, output) = (unique("in"), unique("out"));
    cluster.create(&input, 2, &[]);
    cluster.create(&output, 2, &[]);
    let write = |first| cluster.produce(&input, &lines(first, 10).lines().collect::<Vec<_>>(), &[]);
    write(0);
    let identity = "{ region: eu-central-1, profile: source }";
    let plan = plan(&cluster, &input, &unique("group"), identity)
        .sinks(&format!("{{ out: {} }}", to(&cluster, &output, "")));
    let mut instance = plan.instance();
    let identities = Identities::to(&mut instance);
    instance.start();
    let written = |count| (cluster.consume(&output, &[]).len() >= count).then_some(());
    instance.until("the first documents", || written(10));
    until_renewed(&mut instance, &cluster, &identities, 2);
    write(10);
    instance.until("the documents after it", || written(20));
    instance.stop();
    assert_eq!(cluster.consume(&output, &[]).len(), 20, "each once: nothing had to be sent again");
}

#[test]
fn transactions_and_a_source_that_begins_at_the_end_log_in_with_tokens_too() {
    let name = "transactions_and_a_source_that_begins_at_the_end_log_in_with_tokens_too";
    let Some(cluster) = Cluster::shared(name) else { return };
    let [input, output, quarantine, dead] = ["in", "out", "quarantine", "dead"].map(unique);
    for topic in [&input, &output, &quarantine, &dead] {
        cluster.create(topic, 1, &[]);
    }
    let write = |first| cluster.produce(&input, &lines(first, 10).lines().collect::<Vec<_>>(), &[]);
    write(0);
    let transactional = format!(", transactional: {{ id: {}, every: 20ms }}", unique("writer"));
    let rest = format!(
        "quarantine: {}\ndead_letter: {}\nstate: {{ directory: state, every: 1s }}\n",
        to(&cluster, &quarantine, ""),
        to(&cluster, &dead, "")
    );
    let identity = "{ region: eu-central-1, profile: source }";
    let plan = plan(&cluster, &input, &unique("group"), identity)
        .key("start", "latest")
        .sinks(&format!("{{ out: {} }}", to(&cluster, &output, &transactional)))
        .rest(&rest);
    let mut instance = plan.instance();
    let identities = Identities::to(&mut instance);
    instance.start();
    instance.until_holds(1);
    write(10);
    let written = |count| (cluster.consume(&output, &[]).len() >= count).then_some(());
    instance.until("the first documents", || written(10));
    until_renewed(&mut instance, &cluster, &identities, 1);
    write(20);
    instance.until("the documents after it", || written(20));
    instance.stop();
    assert_eq!(cluster.consume(&output, &[]).len(), 20);
}

/// What `check --online` says to whom the environment gives this key, or none.
fn checked(instance: &Instance, key: Option<(&str, &str)>) -> Ended {
    let mut command: Command = instance.folder.command(&["check", "--online", "-c", "c.yaml"]);
    let own =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"];
    for name in own.into_iter().chain(["AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE"]) {
        command.env_remove(name);
    }
    for name in ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        command.env_remove(name);
    }
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        command.env(name, "/dev/null");
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some((id, secret)) = key {
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
    }
    instance.folder.start(&mut command).wait()
}

#[test]
fn a_check_tells_an_identity_that_is_missing_or_refused_and_where_it_may_not_read() {
    let name = "a_check_tells_an_identity_that_is_missing_or_refused_and_where_it_may_not_read";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (input, output, group) = (unique("in"), unique("out"), unique("group"));
    cluster.create(&input, 1, &[]);
    cluster.create(&output, 1, &[]);
    let sink = reach(&cluster, "{ region: eu-central-1 }").map(|(key, value)| format!("{key}: {value}"));
    let sinks = format!("{{ out: {{ to: {{ kafka: {{ {}, topic: {output} }} }} }} }}", sink.join(", "));
    let instance = |identity| plan(&cluster, &input, &group, identity).sinks(&sinks).instance();
    let flow = Some(("AKIDFLOW", "test-only"));

    let right = instance("{ region: eu-central-1 }");
    checked(&right, flow).assert_code(0);

    let no_key = checked(&right, None);
    no_key.assert_code(69);
    for who in ["source flows: could not use Kafka: ", "sink out: "] {
        let line =
            no_key.err.lines().find(|line| line.contains(who)).unwrap_or_else(|| panic!("{}", no_key.err));
        assert!(line.contains("could not get AWS credentials: "), "{line}");
        assert!(line.contains("set AWS_ACCESS_KEY_ID") && line.contains("`auth.msk_iam.profile`"), "{line}");
    }

    let no_region = checked(&instance("{}"), flow);
    no_region.assert_code(69);
    no_region.assert_told("no AWS region is known: set `auth.msk_iam.region`, or AWS_REGION");

    for wrong in [("AKIDFLOW", "wrong"), ("AKIDNOBODY", "test-only")] {
        let ended = checked(&right, Some(wrong));
        ended.assert_code(69);
        ended.assert_told(cluster.address(Listener::SaslSsl));
        ended.assert_told("with `auth.msk_iam`, see that the region is the cluster's");
    }
    let elsewhere = checked(&instance("{ region: us-east-1 }"), flow);
    elsewhere.assert_code(69);
    elsewhere.assert_told("see that the region is the cluster's");

    let stranger = checked(&right, Some(("AKIDSTRANGER", "test-only")));
    stranger.assert_code(69);
    stranger.assert_told(&format!("topic {input}: "));
    stranger.assert_told("let this user read or write the topic");
}

#[test]
fn a_check_names_the_key_that_an_identity_goes_without_or_against() {
    let name = "a_check_names_the_key_that_an_identity_goes_without_or_against";
    let Some(cluster) = Cluster::shared(name) else { return };
    let identity = "{ region: eu-central-1 }";
    let sasl = ("sasl", "{ mechanism: plain, username: flow, password: test-only }");
    let tls = ("tls", "{}");
    let stray = ("auth", "{ msk_iam: { region: eu-central-1, external_id: x } }");
    let bare: &[_] = &[("tls", "null")];
    let cases = [
        (bare, "sources.flows.from.kafka.auth.msk_iam", "encrypt the connection: `tls: {}`"),
        (&[tls, sasl], "sources.flows.from.kafka.sasl", "leave out one of `sasl` and `auth`"),
        (&[tls, stray], "sources.flows.from.kafka.auth.msk_iam.external_id", "set `auth.msk_iam.role`"),
    ];
    for (keys, path, help) in cases {
        let plan = keys
            .iter()
            .fold(plan(&cluster, "topic", "group", identity), |plan, (key, value)| plan.key(key, value));
        let ended = plan.instance().folder.run(&["check", "-c", "c.yaml"]);
        ended.assert_code(78);
        ended.assert_told(path);
        ended.assert_told(help);
    }
}

#[test]
fn nobody_but_the_broker_sees_a_token() {
    let name = "nobody_but_the_broker_sees_a_token";
    let Some(cluster) = Cluster::shared(name) else { return };
    let topic = unique("in");
    cluster.create(&topic, 1, &[]);
    cluster.produce(&topic, &lines(0, 10).lines().collect::<Vec<_>>(), &[]);
    let mut instance =
        plan(&cluster, &topic, &unique("group"), "{ region: eu-central-1, profile: source }").instance();
    let identities = Identities::to(&mut instance);
    // What a release can say at most.
    instance.set("FLOODMARK_LOG", "debug");
    instance.start();
    let ledger = Ledger::of(&cluster, &topic);
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    assert!(identities.taken(&cluster, "source") > 0);
    let told = instance.stop().err;
    // What every token of this region begins with, in base64, and what only credentials hold.
    for secret in ["aHR0cHM6Ly9rYWZrYS5ldS1jZW50cmFs", "test-only", "X-Amz-Signature"] {
        assert!(!told.contains(secret), "{secret} is shown");
    }
}
