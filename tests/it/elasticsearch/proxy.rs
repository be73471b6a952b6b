//! A proxy before a real server, which lets requests through or does something else with them, by script. It stands for
//! whatever misbehaves between floodmark and a cluster, and for what the servers here lack: logins and TLS.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What becomes of one request.
#[derive(Debug, Clone)]
pub enum Act {
    /// The server answers it.
    Pass,
    /// It is answered without the server: status, header lines, body.
    Answer(u16, &'static str, String),
    /// The server does what it says, and half of its answer arrives.
    HalfAnswer,
    /// The server does what it says, and no answer arrives.
    NoAnswer,
    /// The connection ends before the server has heard of it.
    HangUp,
    /// Nothing comes, and the connection stays.
    Silence,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, path and query.
    pub line: String,
    /// The header lines, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

/// A script: what becomes of the request, which is the `nth` of its kind, bulks and others counted apart.
type Script = dyn Fn(&Request, usize) -> Act + Send + Sync;

/// A proxy that runs until it is dropped.
pub struct Proxy {
    address: String,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

struct Desk {
    server: String,
    script: Box<Script>,
    seen: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

// === impl Request ===

impl Request {
    pub fn is_bulk(&self) -> bool {
        self.line.contains("/_bulk")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    }

    fn read(stream: &mut impl Read) -> io::Result<(Self, Vec<u8>)> {
        let mut bytes = Vec::new();
        let mut part = [0; 64 << 10];
        let mut more = |bytes: &mut Vec<u8>| -> io::Result<()> {
            match stream.read(&mut part)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes.extend_from_slice(&part[..read]);
                    Ok(())
                }
            }
        };
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            more(&mut bytes)?;
        };
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let (line, head) = text.split_once("\r\n").unwrap();
        let names = head.lines().map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}:{value}\n", name.to_lowercase()),
            None => String::new(),
        });
        let mut request = Self { line: line.to_owned(), head: names.collect(), body: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        while bytes.len() < end + length {
            more(&mut bytes)?;
        }
        request.body = bytes[end..].to_vec();
        Ok((request, bytes))
    }
}

// === impl Proxy ===

impl Proxy {
    /// A proxy before the server at `server`, `host:port`.
    pub fn new(server: &str, script: impl Fn(&Request, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start(server, None, Box::new(script))
    }

    /// A proxy that speaks TLS.
    pub fn secured(
        server: &str,
        tls: Arc<ServerConfig>,
        script: impl Fn(&Request, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start(server, Some(tls), Box::new(script))
    }

    fn start(server: &str, tls: Option<Arc<ServerConfig>>, script: Box<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (seen, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let desk =
            Arc::new(Desk { server: server.to_owned(), script, seen: Arc::clone(&seen), over: over.clone() });
        thread::spawn(move || {
            for stream in listener.incoming() {
                if desk.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), desk, tls) = (stream, desk.clone(), tls.clone()) else { continue };
                // How a connection ends is for the client to see.
                thread::spawn(move || match tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        desk.serve(StreamOwned::new(connection, stream))
                    }
                    None => desk.serve(stream),
                });
            }
        });
        Self { address, scheme, seen, over }
    }

    /// `http://host:port` or `https://localhost:port`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address.replace("127.0.0.1", "localhost"))
    }

    /// The bulks that have arrived.
    pub fn bulks(&self) -> Vec<Request> {
        self.seen.lock().unwrap().iter().filter(|request| request.is_bulk()).cloned().collect()
    }

    /// Everything that has arrived.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

// === impl Desk ===

impl Desk {
    fn serve<S: Read + Write>(&self, mut stream: S) -> io::Result<()> {
        loop {
            let (request, bytes) = Request::read(&mut stream)?;
            let number = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(request.clone());
                seen.iter().filter(|other| other.is_bulk() == request.is_bulk()).count() - 1
            };
            match (self.script)(&request, number) {
                Act::Pass => stream.write_all(&self.forward(&bytes)?)?,
                Act::Answer(status, head, body) => {
                    let length = body.len();
                    let text =
                        format!("HTTP/1.1 {status} Scripted\r\n{head}content-length: {length}\r\n\r\n{body}");
                    stream.write_all(text.as_bytes())?;
                }
                Act::HalfAnswer => {
                    let answer = self.forward(&bytes)?;
                    stream.write_all(&answer[..answer.len() / 2])?;
                    return stream.flush();
                }
                Act::NoAnswer => return self.forward(&bytes).map(drop),
                Act::HangUp => return Ok(()),
                Act::Silence => {
                    while !self.over.load(Ordering::Relaxed) {
                        thread::sleep(Duration::from_millis(20));
                    }
                    return Ok(());
                }
            }
            stream.flush()?;
        }
    }

    /// The server's answer to a request, as it comes.
    fn forward(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.server)?;
        server.set_read_timeout(Some(Duration::from_secs(60)))?;
        server.write_all(request)?;
        let mut answer = Vec::new();
        let mut part = [0; 64 << 10];
        loop {
            let whole = is_whole(&answer);
            if whole {
                return Ok(answer);
            }
            match server.read(&mut part)? {
                0 => return Ok(answer),
                read => answer.extend_from_slice(&part[..read]),
            }
        }
    }
}

/// Whether an answer has come to its end, which its length or its last chunk tells.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    match length {
        Some(length) => answer.len() >= end + 4 + length,
        None => answer.ends_with(b"0\r\n\r\n"),
    }
}
