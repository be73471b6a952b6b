//! What DynamoDB does under load and the tests' own does not: between a client and it, some requests are throttled, are never
//! heard, or are done and never answered, or late.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is refused because there are too many.
    Throttled,
    /// The connection ends before it is passed on.
    Unheard,
    /// It is passed on, and the connection ends before its answer.
    Unanswered,
    /// It is passed on, and its answer waits until it is let go.
    Late,
}

/// The next requests of one operation, how many of them, and what becomes of them.
type Next = Option<(&'static str, Fate, usize)>;

/// What connections and the test tell each other.
#[derive(Default)]
struct Shared {
    next: Mutex<Next>,
    /// There is an answer that waits.
    waits: Notify,
    let_go: Notify,
}

/// Listens in the place of a server.
pub struct Proxy {
    pub address: String,
    shared: Arc<Shared>,
    listening: tokio::task::JoinHandle<()>,
}

const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too many"}"#;

impl Proxy {
    pub async fn before(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared: Arc<Shared> = Arc::default();
        let ours = shared.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, shared) = (server.clone(), ours.clone());
                // A connection that ends is not the proxy's concern.
                tokio::spawn(async move { drop(serve(client, &server, &shared).await) });
            }
        });
        Self { address, shared, listening }
    }

    /// The next `count` requests of this operation have this fate.
    pub fn next(&self, operation: &'static str, fate: Fate, count: usize) {
        *self.shared.next.lock().unwrap() = Some((operation, fate, count));
    }

    /// Waits until an answer is held back.
    pub async fn until_late(&self) {
        self.shared.waits.notified().await;
    }

    /// Lets the answer go that is held back.
    pub fn let_go(&self) {
        self.shared.let_go.notify_one();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Passes requests of one connection on, one after the other.
async fn serve(client: TcpStream, server: &str, shared: &Shared) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut server = BufReader::new(TcpStream::connect(server).await?);
    loop {
        let (head, body) = read(&mut client).await?;
        let fate = {
            let mut next = shared.next.lock().unwrap();
            match &mut *next {
                Some((operation, fate, count))
                    if *count > 0 && head.contains(&format!(".{operation}\r\n")) =>
                {
                    *count -= 1;
                    Some(*fate)
                }
                _ => None,
            }
        };
        match fate {
            Some(Fate::Throttled) => {
                let length = THROTTLED.len();
                let kind = "application/x-amz-json-1.0";
                let answer = format!(
                    "HTTP/1.1 400 Bad Request\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{THROTTLED}"
                );
                client.write_all(answer.as_bytes()).await?;
                continue;
            }
            Some(Fate::Unheard) => return Ok(()),
            None | Some(Fate::Unanswered | Fate::Late) => {}
        }
        server.write_all(head.as_bytes()).await?;
        server.write_all(&body).await?;
        let (head, body) = read(&mut server).await?;
        match fate {
            Some(Fate::Unanswered) => return Ok(()),
            Some(Fate::Late) => {
                shared.waits.notify_one();
                shared.let_go.notified().await;
            }
            _ => {}
        }
        client.write_all(head.as_bytes()).await?;
        client.write_all(&body).await?;
    }
}

/// Head and body of a request or an answer, of which both sides give the length.
async fn read(from: &mut BufReader<TcpStream>) -> std::io::Result<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).await?;
    Ok((head, body))
}
