//! What DynamoDB does under load and the tests' own does not: between a client and it, some requests are throttled, are never
//! heard, or are done and never answered.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
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
}

/// The next requests of one operation, how many of them, and what becomes of them.
type Next = Option<(&'static str, Fate, usize)>;

/// Listens in the place of a server.
pub struct Proxy {
    pub address: String,
    next: Arc<Mutex<Next>>,
    listening: tokio::task::JoinHandle<()>,
}

const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too many"}"#;

impl Proxy {
    pub async fn before(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let next: Arc<Mutex<Next>> = Arc::default();
        let shared = next.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, next) = (server.clone(), shared.clone());
                // A connection that ends is not the proxy's concern.
                tokio::spawn(async move { drop(serve(client, &server, &next).await) });
            }
        });
        Self { address, next, listening }
    }

    /// The next `count` requests of this operation have this fate.
    pub fn next(&self, operation: &'static str, fate: Fate, count: usize) {
        *self.next.lock().unwrap() = Some((operation, fate, count));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Passes requests of one connection on, one after the other.
async fn serve(client: TcpStream, server: &str, next: &Mutex<Next>) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut server = BufReader::new(TcpStream::connect(server).await?);
    loop {
        let (head, body) = read(&mut client).await?;
        let fate = {
            let mut next = next.lock().unwrap();
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
            None | Some(Fate::Unanswered) => {}
        }
        server.write_all(head.as_bytes()).await?;
        server.write_all(&body).await?;
        let (head, body) = read(&mut server).await?;
        if fate == Some(Fate::Unanswered) {
            return Ok(());
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
