//! The stand-ins for Kinesis and DynamoDB, shared or a test's own, that for S3, and the sender of syslog.
//!
//! `tests/services/{kinesis,kinesalite,dynamodb,s3,rsyslog}/up` say what each can and cannot do.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process::{Folder, repository},
    skipped::skip,
};

/// What a stand-in stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Kinesis with everything it can do, for less than 5,000 records a stream.
    Kinesis,
    /// Kinesis for many records, without consumers.
    Kinesalite,
    /// DynamoDB.
    Dynamodb,
}

/// A stand-in. One that a test has started for itself ends with the test.
pub struct Standin {
    service: Service,
    url: String,
    /// The folder of one of the test's own.
    own: Option<PathBuf>,
}

/// The program `rsyslogd`, or nothing, and then the test `name` is on the list of those skipped.
pub fn rsyslogd(name: &str) -> Option<PathBuf> {
    named(name, "FLOODMARK_RSYSLOGD", "rsyslog").map(PathBuf::from)
}

/// `http://host:port` of what stands for S3, or nothing, and then the test `name` is on the list of those skipped.
#[cfg(feature = "aws")]
pub fn s3(name: &str) -> Option<String> {
    named(name, "FLOODMARK_S3", "s3")
}

/// What `variable` says of a service of `tests/services`.
fn named(name: &str, variable: &str, service: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        let absent = env::var(format!("FLOODMARK_{}_ABSENT", service.to_uppercase()));
        let reason = absent
            .unwrap_or_else(|_| format!("{variable} is not set: tests/services/up {service} says to what"));
        skip(name, &reason);
    }
    value
}

// === impl Service ===

impl Service {
    const ALL: [Self; 3] = [Self::Kinesis, Self::Kinesalite, Self::Dynamodb];

    /// Its folder in `tests/services`.
    fn place(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::Kinesalite => "kinesalite",
            Self::Dynamodb => "dynamodb",
        }
    }
}

// === impl Standin ===

impl Standin {
    /// The one that all tests share, or nothing, and then the test `name` is on the list of those skipped.
    pub fn shared(name: &str, service: Service) -> Option<Self> {
        let place = service.place();
        let url = named(name, &format!("FLOODMARK_{}", place.to_uppercase()), place)?;
        Some(Self { service, url, own: None })
    }

    /// One of the test's own in `folder`, for a test that disturbs it, or nothing, as with [`Standin::shared`].
    pub fn own(name: &str, service: Service, folder: &Folder) -> Option<Self> {
        Self::shared(name, service)?;
        let place = folder.path(service.place());
        let mut standin = Self { service, url: String::new(), own: Some(place.clone()) };
        standin.start();
        let text = fs::read_to_string(place.join("env")).unwrap();
        text.trim_end().rsplit_once('=').expect("a URL").1.clone_into(&mut standin.url);
        Some(standin)
    }

    /// `http://host:port`. It stays the same through every start.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again, on the same port; returns when it answers. Kinesis has forgotten everything, the others nothing.
    pub fn start(&self) {
        self.script("start");
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&self) {
        self.script("kill");
    }

    /// Lets it answer nobody until [`Standin::resume`]; who connects waits.
    pub fn pause(&self) {
        self.script("pause");
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.script("resume");
    }

    #[track_caller]
    fn script(&self, verb: &str) {
        let folder = self.own.as_ref().expect("the shared one is not for one test to disturb");
        let told = self.command(verb, folder).output().unwrap();
        assert!(told.status.success(), "server {verb}: {}", String::from_utf8_lossy(&told.stderr));
    }

    fn command(&self, verb: &str, folder: &Path) -> Command {
        let mut command = Command::new(repository().join("tests/services/npm/server"));
        command.arg(verb).arg(folder).arg(self.service.place());
        command
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        if let Some(folder) = &self.own {
            // A test that fails leaves nothing behind.
            let _ = self.command("kill", folder).output();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        time::Duration,
    };

    use super::*;
    use crate::process::until;

    /// Whether the server behind `url` answers a request, whatever it says.
    fn answers(url: &str, patience: Duration) -> bool {
        let address = url.trim_start_matches("http://");
        let ask = || {
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(patience))?;
            stream.write_all(b"POST / HTTP/1.0\r\ncontent-length: 0\r\n\r\n")?;
            stream.read(&mut [0])
        };
        ask().is_ok_and(|read| read > 0)
    }

    #[test]
    fn a_standin_of_a_tests_own_can_be_paused_and_killed_and_comes_back_where_it_was() {
        let name = "a_standin_of_a_tests_own_can_be_paused_and_killed_and_comes_back_where_it_was";
        for service in Service::ALL {
            let folder = Folder::new();
            let Some(standin) = Standin::own(name, service, &folder) else { return };
            assert_ne!(standin.url(), Standin::shared(name, service).unwrap().url());
            let patient = Duration::from_secs(60);
            until("an answer", || answers(standin.url(), patient).then_some(()));
            standin.pause();
            assert!(!answers(standin.url(), Duration::from_millis(300)), "{service:?} answers in a pause");
            standin.resume();
            until("an answer after the pause", || answers(standin.url(), patient).then_some(()));
            standin.kill();
            assert!(!answers(standin.url(), patient), "{service:?} answers after its end");
            standin.start();
            until("an answer after the end", || answers(standin.url(), patient).then_some(()));
        }
    }

    #[test]
    fn the_sender_of_syslog_runs() {
        let Some(program) = rsyslogd("the_sender_of_syslog_runs") else { return };
        let told = Command::new(program).arg("-v").output().unwrap();
        assert!(String::from_utf8_lossy(&told.stdout).contains("rsyslogd"), "{told:?}");
    }
}
