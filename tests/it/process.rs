//! The real binary as a process in a folder of its own: started, signalled, waited for with a deadline, and asked for
//! its telemetry pages.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, AtomicU32, Ordering},
    time::Duration,
};

use floodmark::telemetry::clock;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test gives up: far longer than a loaded machine needs.
const DEADLINE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);

/// A folder that goes away with the test; processes are started in it, so that paths in a config are short.
pub struct Folder {
    directory: TempDir,
    started: AtomicU32,
}

/// A process that runs. It is killed when the test is done with it.
pub struct Running {
    child: Child,
    err: PathBuf,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    status: ExitStatus,
    /// What it wrote for a person.
    pub err: String,
}

/// One answer of the telemetry address.
pub struct Page {
    pub status: u16,
    pub text: String,
}

/// Asks again and again until `look` has found something. This is the only way in which a test waits.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = clock::monotonic();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen within {DEADLINE:?}");
        std::thread::sleep(POLL);
    }
}

/// A port that nobody listens on, below those that the system gives to clients.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 1_000) as u16 * 10;
    (0..2_000)
        .map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// The page at `path` of the process that listens on `port`; nothing while it does not answer.
pub fn page(port: u16, path: &str) -> Option<Page> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, text) = answer.split_once("\r\n\r\n")?;
    Some(Page { status: head.split(' ').nth(1)?.parse().ok()?, text: text.to_owned() })
}

/// The metrics of the process that listens on `port`.
pub fn metrics(port: u16) -> Option<Page> {
    page(port, "/metrics").filter(|page| page.status == 200 && page.text.ends_with("# EOF\n"))
}

// === impl Folder ===

impl Folder {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), started: AtomicU32::new(0) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Appends to a file in one write.
    pub fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }

    /// The length of a file; 0 where there is none.
    pub fn len(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).map_or(0, |metadata| metadata.len())
    }

    /// The whole lines of a file; none where there is no file.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let bytes = fs::read(self.path(name)).unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        String::from_utf8(bytes[..whole].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }

    /// The documents of a file, one a line.
    pub fn documents(&self, name: &str) -> Vec<Value> {
        self.lines(name).iter().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The command `floodmark ARGUMENTS`, to be run in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_floodmark"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env_remove("FLOODMARK_CRASH_AT").env_remove("FLOODMARK_POISON").env_remove("FLOODMARK_LOG");
        command
    }

    /// Starts `command`; what it writes to stderr is kept.
    pub fn start(&self, command: &mut Command) -> Running {
        let err = self.path(&format!("stderr.{}", self.started.fetch_add(1, Ordering::Relaxed)));
        let child = command.stderr(File::create(&err).unwrap()).spawn().unwrap();
        Running { child, err }
    }

    /// Runs `floodmark ARGUMENTS` to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(&mut self.command(arguments)).wait()
    }

    /// As [`Folder::run`], with what it printed on stdout.
    pub fn printed(&self, arguments: &[&str]) -> (Ended, String) {
        let out = self.path(&format!("stdout.{}", self.started.load(Ordering::Relaxed)));
        let ended = self.start(self.command(arguments).stdout(File::create(&out).unwrap())).wait();
        (ended, fs::read_to_string(out).unwrap())
    }
}

// === impl Running ===

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a piped stdin")
    }

    pub fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("a piped stdout")
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// As [`until`], and fails at once when the process ends.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        until(what, || {
            assert!(self.is_running(), "the process ended before {what}: {}", self.told());
            look()
        })
    }

    /// Does `meanwhile` again and again until it has ended by itself.
    pub fn until_ended(&mut self, mut meanwhile: impl FnMut()) {
        let begun = clock::monotonic();
        while self.is_running() {
            assert!(begun.elapsed() < DEADLINE, "it still runs after {DEADLINE:?}: {}", self.told());
            meanwhile();
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to read its files again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Lets it stand still (SIGSTOP).
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after a pause (SIGCONT).
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let signalled = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(signalled.unwrap().success(), "could not signal the process");
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.wait()
    }

    /// Asks it to end and waits until it has.
    pub fn stop(self) -> Ended {
        self.terminate();
        self.wait()
    }

    pub fn wait(mut self) -> Ended {
        let status = until("the end of the process", || self.child.try_wait().unwrap());
        Ended { status, err: self.told() }
    }

    /// What it has written to stderr so far.
    pub fn told(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Ended ===

impl Ended {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    #[cfg(feature = "crash-points")]
    pub fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.status)
    }

    /// Fails, with what the process told, unless it ended with `code`.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.code(), Some(code), "{}", self.err);
    }

    /// Fails unless the process told `text`.
    #[track_caller]
    pub fn assert_told(&self, text: &str) {
        assert!(self.err.contains(text), "{text:?} is not in {}", self.err);
    }
}

// === impl Page ===

impl Page {
    /// The sum of the series called `name` whose labels hold each of `labels`, written `key="value"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> i64 {
        let wanted = |line: &&str| {
            let (series, labelled) = line.split_once(['{', ' ']).unwrap_or((line, ""));
            series == name && labels.iter().all(|label| labelled.contains(label))
        };
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<i64>().expect(line);
        let found: Vec<i64> = self.text.lines().filter(wanted).map(value).collect();
        assert!(!found.is_empty(), "{name} {labels:?} is not in {}", self.text);
        found.iter().sum()
    }

    /// A source's metric, by the part of its name after `floodmark_source_`.
    pub fn source(&self, name: &str) -> i64 {
        self.sum(&format!("floodmark_source_{name}"), &["source=\"flows\""])
    }

    /// A sink's metric, by the part of its name after `floodmark_sink_documents_`.
    pub fn sink(&self, sink: &str, name: &str) -> i64 {
        self.sum(&format!("floodmark_sink_documents_{name}"), &[&format!("sink=\"{sink}\"")])
    }
}

/// The value at `path`, such as `event.id`; null where there is none.
pub fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(document, |value, key| &value[key])
}

/// The text at `path`, which must be there.
pub fn text_at(document: &Value, path: &str) -> String {
    at(document, path).as_str().unwrap_or_else(|| panic!("no text at {path} in {document}")).to_owned()
}

/// What stands in the document of every flow, and of no finding.
pub const FLOW: &str = "\"dataset\":\"floodmark.flow\"";

/// Whether the document is a finding, not an event.
pub fn is_finding(document: &Value) -> bool {
    at(document, "event.dataset") == "floodmark.finding"
}

/// Whether the document is a session, not an event.
pub fn is_session(document: &Value) -> bool {
    at(document, "event.dataset") == "floodmark.session"
}

/// A folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
