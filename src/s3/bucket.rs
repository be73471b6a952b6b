//! A bucket: what is put there, listed, got and deleted, each tried a few times.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
    sync::Mutex,
    time::sleep,
};

use super::{
    Config, OBJECT_BYTES_MAX, S3Error,
    content::Content,
    listing::{text, texts, unescaped},
    request::{Question, Requests, SILENCE_MAX},
};
use crate::{pipe::Backoff, telemetry::seed};

/// One folder of one bucket.
pub struct Bucket {
    requests: Requests,
    backoff: Mutex<Backoff>,
}

/// The tries of one request.
struct Tries(Backoff);

/// How often a request is tried.
const TRIES_MAX: u32 = 4;
/// Waits between tries: about 4 s in all.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Slower than this is as good as not at all.
const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 128 << 10;
/// Pages of a listing, of 1,000 keys each; a folder with more of our files was kept by nobody.
const PAGES_MAX: usize = 100;

// === impl Bucket ===

impl Bucket {
    /// Makes the client; nothing is connected yet. `key` is where the identity stands in the config.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn new(config: Config, key: &'static str) -> Result<Self, S3Error> {
        let backoff = Mutex::new(Backoff::new(WAITS.0, WAITS.1, seed::fresh()));
        Ok(Self { requests: Requests::new(config, key)?, backoff })
    }

    /// Puts the first `bytes` of the file at `path` under `name`; S3 takes them if `sha256` is theirs.
    ///
    /// # Errors
    /// When it could not be put; then the object is what it was.
    pub async fn put_file(
        &self,
        name: &str,
        path: &Path,
        bytes: u64,
        sha256: &[u8; 32],
    ) -> Result<(), S3Error> {
        if bytes > OBJECT_BYTES_MAX {
            return Err(S3Error::TooLarge { bytes, max: OBJECT_BYTES_MAX });
        }
        let key = self.requests.config().key(name);
        let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = STANDARD.encode(sha256);
        let most = SILENCE_MAX + Duration::from_secs(bytes / UPLOAD_BYTES_PER_SECOND_MIN);
        let mut tries = self.tries().await;
        loop {
            let content = Some((Content::open(path, bytes).await?, hex.clone(), base64.clone()));
            let put = Question { method: Method::PUT, content, most, ..Question::of(&key, "s3:PutObject") };
            match self.text(put).await {
                Err(error) if tries.again(&error).await => {}
                answer => return answer.map(drop),
            }
        }
    }

    /// The names of all objects in the folder that begin with `beginning`, in order.
    ///
    /// # Errors
    /// When they could not be listed.
    pub async fn names(&self, beginning: &str) -> Result<Vec<String>, S3Error> {
        let folder = self.requests.config().key("");
        let prefix = self.requests.config().key(beginning);
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("encoding-type", "url"), ("list-type", "2"), ("prefix", &prefix)];
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let mut tries = self.tries().await;
            let page = loop {
                let list = Question { query: &query, ..Question::of("", "s3:ListBucket") };
                match self.text(list).await {
                    Err(error) if tries.again(&error).await => {}
                    answer => break answer?,
                }
            };
            let keys = texts(&page, "Key").filter_map(unescaped);
            names.extend(keys.filter_map(|key| Some(key.strip_prefix(&folder)?.to_owned())));
            token = text(&page, "NextContinuationToken");
            if token.is_none() {
                names.sort_unstable();
                return Ok(names);
            }
        }
        Err(S3Error::Answer("the listing does not end"))
    }

    /// Writes the object `name` to `file`, which is empty; at most `most` bytes.
    ///
    /// # Errors
    /// When there is none, it is longer, or it could not be got whole.
    pub async fn get_file(&self, name: &str, file: &std::fs::File, most: u64) -> Result<(), S3Error> {
        let key = self.requests.config().key(name);
        let mut tries = self.tries().await;
        loop {
            match self.get_once(&key, file, most).await {
                Err(error) if tries.again(&error).await => {}
                answer => return answer,
            }
        }
    }

    async fn get_once(&self, key: &str, file: &std::fs::File, most: u64) -> Result<(), S3Error> {
        let mut answer = self.requests.ask(Question::of(key, "s3:GetObject")).await?;
        file.set_len(0)?;
        let mut file = File::from_std(file.try_clone()?);
        file.rewind().await?;
        let mut bytes = 0;
        while let Some(piece) = self.requests.piece(&mut answer).await? {
            bytes += piece.len() as u64;
            if bytes > most {
                return Err(S3Error::TooLarge { bytes, max: most });
            }
            file.write_all(&piece).await?;
        }
        Ok(file.flush().await?)
    }

    /// Deletes the object `name`; one that is not there is deleted.
    ///
    /// # Errors
    /// When it could not be deleted.
    pub async fn delete(&self, name: &str) -> Result<(), S3Error> {
        let key = self.requests.config().key(name);
        let mut tries = self.tries().await;
        loop {
            let delete = Question { method: Method::DELETE, ..Question::of(&key, "s3:DeleteObject") };
            match self.text(delete).await {
                Err(error) if tries.again(&error).await => {}
                answer => return answer.map(drop),
            }
        }
    }

    /// Asks once, and reads the answer whole.
    async fn text(&self, question: Question<'_>) -> Result<String, S3Error> {
        let answer = self.requests.ask(question).await?;
        self.requests.text(answer).await
    }

    async fn tries(&self) -> Tries {
        Tries(self.backoff.lock().await.fork())
    }
}

// === impl Tries ===

impl Tries {
    /// Whether to ask again after `error`; waits as long as it takes until then.
    async fn again(&mut self, error: &S3Error) -> bool {
        if !error.may_pass() || self.0.tries() + 1 >= TRIES_MAX {
            return false;
        }
        tracing::debug!(%error, "asking S3 again");
        sleep(self.0.next_wait(None)).await;
        true
    }
}

// === impl Question ===

impl<'a> Question<'a> {
    /// A `GET` of what has this key.
    fn of(key: &'a str, action: &'static str) -> Self {
        Self { method: Method::GET, key, query: &[], content: None, action, most: SILENCE_MAX }
    }
}
