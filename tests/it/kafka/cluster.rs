//! A broker, shared or a test's own, and Kafka's own client, which writes to it and reads what is there.

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    process::{Folder, repository},
    skipped::skip,
};

/// What `tests/services/up` says of the service, each with this before it: the plaintext address has no name after it.
const PREFIX: &str = "FLOODMARK_KAFKA";
/// Why there is none, where `tests/run` could not get one.
const ABSENT: &str = "FLOODMARK_KAFKA_ABSENT";

/// A broker with its controller. One that a test has started for itself ends with the test.
pub struct Cluster {
    /// The lines of the broker's `env`.
    environment: HashMap<String, String>,
    /// The folder of a broker of one's own.
    own: Option<PathBuf>,
}

/// The ways to reach a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    Plaintext,
    SaslPlaintext,
    SaslSsl,
    Ssl,
}

/// One record as the client has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub key: Option<String>,
    pub headers: Vec<(String, String)>,
    pub value: String,
}

/// The offsets that a partition holds: from `begin`, and before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub partition: i32,
    pub begin: i64,
    pub end: i64,
}

/// How far a group has said that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub metadata: String,
}

/// A group as its coordinator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// In Kafka's words: `Stable`, `Empty`, `Dead` and others.
    pub state: String,
    pub members: Vec<Member>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub client_id: String,
    pub instance_id: Option<String>,
    /// Each as `topic-partition`.
    pub partitions: Vec<String>,
}

/// A name for a topic, a group or a writer that no other test of this run has, nor one of another run.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

// === impl Cluster ===

impl Cluster {
    /// The broker that all tests share, or nothing, and then the test `name` is on the list of those skipped.
    pub fn shared(name: &str) -> Option<Self> {
        let environment: HashMap<String, String> =
            env::vars().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        if environment.contains_key(PREFIX) {
            return Some(Self { environment, own: None });
        }
        let reason = environment.get(ABSENT).cloned();
        skip(
            name,
            &reason.unwrap_or_else(|| format!("{PREFIX} names no broker: tests/services/up starts one")),
        );
        None
    }

    /// A broker of the test's own in `folder`, for a test that disturbs it; or nothing, as with [`Cluster::shared`].
    pub fn own(name: &str, folder: &Folder) -> Option<Self> {
        let mut cluster = Self::shared(name)?;
        let directory = folder.path("kafka");
        cluster.own = Some(directory.clone());
        cluster.start();
        let text = fs::read_to_string(directory.join("env")).unwrap();
        let pairs =
            text.lines().map(|line| line.strip_prefix("export ").unwrap().split_once('=').expect(line));
        cluster.environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(cluster)
    }

    /// `host:port` of a listener. It stays the same through every start.
    pub fn address(&self, listener: Listener) -> &str {
        self.variable(match listener {
            Listener::Plaintext => "",
            Listener::SaslPlaintext => "_SASL_PLAINTEXT",
            Listener::SaslSsl => "_SASL_SSL",
            Listener::Ssl => "_SSL",
        })
    }

    /// The certificate of the authority that has signed the broker's, in PEM.
    pub fn authority(&self) -> &Path {
        Path::new(self.variable("_CA"))
    }

    fn variable(&self, name: &str) -> &str {
        self.environment.get(&format!("{PREFIX}{name}")).unwrap_or_else(|| panic!("no {PREFIX}{name}"))
    }

    /// What the shared broker has logged.
    pub fn log(&self) -> String {
        assert!(self.own.is_none(), "a broker of the test's own logs elsewhere");
        fs::read_to_string(Path::new(self.variable("_HOME")).join("shared/log")).unwrap()
    }

    /// Starts the broker again, on the same ports and with what it held; returns when it answers.
    pub fn start(&self) {
        self.broker("start");
    }

    /// Ends the broker as an operator does (SIGTERM).
    pub fn stop(&self) {
        self.broker("stop");
    }

    /// Ends the broker at once (SIGKILL).
    pub fn kill(&self) {
        self.broker("kill");
    }

    /// Lets the broker stand still (SIGSTOP): it is connected and does not answer.
    pub fn pause(&self) {
        self.broker("pause");
    }

    /// Lets a broker that stands still go on (SIGCONT).
    pub fn resume(&self) {
        self.broker("resume");
    }

    #[track_caller]
    fn broker(&self, verb: &str) {
        let folder = self.own.as_ref().expect("the shared broker is not for one test to disturb");
        let mut command = self.script("broker");
        run(command.arg(verb).arg(folder)).unwrap_or_else(|told| panic!("broker {verb}: {told}"));
    }

    /// One of the scripts of the service, with what it needs to find the broker.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(repository().join("tests/services/kafka").join(name));
        command.envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Makes a topic; returns when every partition has a leader.
    #[track_caller]
    pub fn create(&self, topic: &str, partitions: u32, settings: &[(&str, &str)]) {
        self.say("create", &[topic, &partitions.to_string()], settings);
    }

    /// Deletes a topic; returns when it is gone.
    #[track_caller]
    pub fn delete(&self, topic: &str) {
        self.say("delete", &[topic], &[]);
    }

    /// Gives a topic more partitions.
    #[track_caller]
    pub fn grow(&self, topic: &str, partitions: u32) {
        self.say("grow", &[topic, &partitions.to_string()], &[]);
    }

    /// Deletes the records of a partition before `offset`, as retention does.
    #[track_caller]
    pub fn trim(&self, topic: &str, partition: i32, offset: i64) {
        self.say("trim", &[topic, &partition.to_string(), &offset.to_string()], &[]);
    }

    /// Changes settings of a topic.
    #[track_caller]
    pub fn configure(&self, topic: &str, settings: &[(&str, &str)]) {
        self.say("config", &[topic], settings);
    }

    /// Changes settings of a group of the new protocol.
    #[track_caller]
    pub fn configure_group(&self, group: &str, settings: &[(&str, &str)]) {
        self.say("config", &["--group", group], settings);
    }

    /// Writes each line as a value and says how many were acknowledged. The options are those of the command
    /// `produce`: `--keyed`, `--partition N`, `--rate N`, `--escaped`, `--transactional ID`, `--abort`.
    #[track_caller]
    pub fn produce<T: AsRef<str>>(&self, topic: &str, lines: &[T], options: &[&str]) -> u64 {
        let text: String = lines.iter().map(|line| line.as_ref().to_owned() + "\n").collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        self.produce_file(topic, file.path(), options)
    }

    /// As [`Cluster::produce`], with the lines of a file.
    #[track_caller]
    pub fn produce_file(&self, topic: &str, file: &Path, options: &[&str]) -> u64 {
        let words = [&["produce", topic, file.to_str().unwrap()], options].concat();
        number(self.expect(&words).trim_end())
    }

    /// Every record that is committed and there at the start, in order within a partition. The options are those of the
    /// command `consume`: `--uncommitted`, `--slow MS`.
    #[track_caller]
    pub fn consume(&self, topic: &str, options: &[&str]) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.read(topic, options, |record| seen.push(record));
        seen
    }

    /// As [`Cluster::consume`], one after the other, for more records than should be kept.
    #[track_caller]
    pub fn read(&self, topic: &str, options: &[&str], mut take: impl FnMut(Seen)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        self.expect(&[&["consume", topic, file.path().to_str().unwrap()], options].concat());
        let lines = BufReader::new(file.reopen().unwrap()).split(b'\n');
        lines.for_each(|line| take(Seen::parse(&String::from_utf8_lossy(&line.unwrap()))));
    }

    /// What each partition holds, aborted records and the marks of transactions among it.
    #[track_caller]
    pub fn count(&self, topic: &str) -> Vec<Extent> {
        let text = self.expect(&["count", topic]);
        let lines = text.lines().filter(|line| !line.starts_with("total "));
        lines
            .map(|line| {
                let [partition, begin, end] = columns(line, ' ');
                Extent { partition: number(partition), begin: number(begin), end: number(end) }
            })
            .collect()
    }

    /// What a group has committed.
    #[track_caller]
    pub fn offsets(&self, group: &str) -> Vec<Committed> {
        let text = self.expect(&["offsets", group]);
        text.split_terminator('\n')
            .map(|line| {
                let [topic, partition, offset, metadata] = columns(line, '\t');
                Committed {
                    topic: topic.to_owned(),
                    partition: number(partition),
                    offset: number(offset),
                    metadata: metadata.to_owned(),
                }
            })
            .collect()
    }

    /// Who is in a group. A group that nobody knows is `Dead`.
    #[track_caller]
    pub fn group(&self, name: &str) -> Group {
        let text = self.expect(&["group", name]);
        let mut lines = text.split_terminator('\n');
        let state = lines.next().expect("a state").to_owned();
        Group { state, members: lines.map(Member::parse).collect() }
    }

    /// Commits an offset in the name of a group that has no members.
    #[track_caller]
    pub fn seed_offset(&self, group: &str, topic: &str, partition: i32, offset: i64, metadata: &str) {
        let (partition, offset) = (partition.to_string(), offset.to_string());
        self.say("seed-offset", &[group, topic, &partition, &offset, metadata], &[]);
    }

    /// Allows `user` an operation, in Kafka's words: `READ` on `TOPIC`, `GROUP`, `TRANSACTIONAL_ID`. A name that ends
    /// in `*` is a prefix.
    #[track_caller]
    pub fn allow(&self, user: &str, operation: &str, kind: &str, name: &str) {
        self.say("allow", &[user, operation, kind, name], &[]);
    }

    /// Takes back what [`Cluster::allow`] gave, and denies it.
    #[track_caller]
    pub fn forbid(&self, user: &str, operation: &str, kind: &str, name: &str) {
        self.say("forbid", &[user, operation, kind, name], &[]);
    }

    /// Makes a user that SCRAM knows, or gives one another password.
    #[track_caller]
    pub fn scram(&self, user: &str, password: &str) {
        self.say("scram", &[user, password], &[]);
    }

    /// Runs the client; what it printed, or what went wrong.
    pub fn client(&self, words: &[&str]) -> Result<String, String> {
        run(self.script("client").args(words))
    }

    /// As [`Cluster::client`], through another listener; the user is one that SCRAM knows.
    pub fn client_as(
        &self,
        listener: Listener,
        user: &str,
        password: &str,
        words: &[&str],
    ) -> Result<String, String> {
        let protocol = match listener {
            Listener::Plaintext => "PLAINTEXT",
            Listener::SaslPlaintext => "SASL_PLAINTEXT",
            Listener::SaslSsl => "SASL_SSL",
            Listener::Ssl => "SSL",
        };
        let login = "org.apache.kafka.common.security.scram.ScramLoginModule";
        let mut command = self.script("client");
        command.args(words).args(["--broker", self.address(listener)]);
        for setting in [
            format!("security.protocol={protocol}"),
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.truststore.location={}", self.authority().display()),
            "sasl.mechanism=SCRAM-SHA-512".to_owned(),
            format!("sasl.jaas.config={login} required username=\"{user}\" password=\"{password}\";"),
        ] {
            command.arg("--set").arg(setting);
        }
        run(&mut command)
    }

    #[track_caller]
    fn expect(&self, words: &[&str]) -> String {
        self.client(words).unwrap_or_else(|told| panic!("client {words:?}: {told}"))
    }

    /// Runs a command that prints nothing.
    #[track_caller]
    fn say(&self, verb: &str, words: &[&str], settings: &[(&str, &str)]) {
        let settings: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        assert_eq!(self.expect(&[&[verb], words, &settings].concat()), "");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(folder) = &self.own {
            // A test that fails leaves nothing behind; `tests/services/down` finds what this could not end.
            let _ = run(self.script("broker").arg("kill").arg(folder));
        }
    }
}

// === impl Seen ===

impl Seen {
    /// Reads a line of the command `consume`.
    fn parse(line: &str) -> Self {
        let [partition, offset, timestamp_ms, key, headers, value] = columns(line, '\t');
        let headers = if headers == "-" { Vec::new() } else { headers.split(',').map(header).collect() };
        Self {
            partition: number(partition),
            offset: number(offset),
            timestamp_ms: number(timestamp_ms),
            key: (key != "-").then(|| plain(key)),
            headers,
            value: plain(value),
        }
    }
}

// === impl Member ===

impl Member {
    /// Reads a line of the command `group`.
    fn parse(line: &str) -> Self {
        let [id, client_id, instance_id, partitions] = columns(line, '\t');
        Self {
            id: id.to_owned(),
            client_id: client_id.to_owned(),
            instance_id: (instance_id != "-").then(|| instance_id.to_owned()),
            partitions: partitions.split_terminator(',').map(str::to_owned).collect(),
        }
    }
}

/// Runs a command to its end; its stdout, or its stderr where it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn columns<const N: usize>(line: &str, between: char) -> [&str; N] {
    let columns: Vec<&str> = line.split(between).collect();
    columns.try_into().unwrap_or_else(|_| panic!("not {N} columns: {line}"))
}

/// The number that `text` is.
pub fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn header(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').expect(text);
    (plain(name), plain(value))
}

/// The text without the client's escapes.
fn plain(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next().expect("a letter after a backslash") {
                't' => '\t',
                'n' => '\n',
                'c' => ',',
                'e' => '=',
                other => other,
            },
            other => other,
        });
    }
    out
}

#[test]
fn a_line_of_the_client_is_read_back_to_what_the_record_held() {
    let line = "2\t7\t1700000000000\t\\-\ta\\eb=c\\cd,e=\tone\\ttwo\\n\\\\n";
    let headers = [("a=b", "c,d"), ("e", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let seen = Seen {
        partition: 2,
        offset: 7,
        timestamp_ms: 1_700_000_000_000,
        key: Some("-".to_owned()),
        headers: headers.to_vec(),
        value: "one\ttwo\n\\n".to_owned(),
    };
    assert_eq!(Seen::parse(line), seen);
    let bare = Seen { key: None, headers: Vec::new(), value: String::new(), ..seen };
    assert_eq!(Seen::parse("2\t7\t1700000000000\t-\t-\t"), bare);
    let member = Member::parse("id\tclient\t-\ta-0,a-1");
    assert_eq!((member.instance_id, member.partitions), (None, vec!["a-0".to_owned(), "a-1".to_owned()]));
    assert_eq!(Member::parse("id\tclient\tone\t").partitions, [""; 0]);
}
