//! A Kinesis of our own. It stands for what cannot be had otherwise: no stand-in throttles, lets an iterator expire, answers
//! in part, breaks off or tells subscribers the end of a shard, and none serves from memory as fast as a bench asks.
//!
//! It knows one stream at a time, checks no signature, and does what it is asked unless its script says otherwise. That it
//! answers as the others do is tested beside them.

// By path, because the bench takes this file from elsewhere.
#[path = "fake/answers.rs"]
mod answers;
#[path = "fake/shards.rs"]
mod shards;
#[path = "fake/subscription.rs"]
mod subscription;
#[path = "fake/wire.rs"]
mod wire;

use std::{
    collections::HashMap,
    io,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::Value;
pub use shards::World;

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It is answered.
    Pass,
    /// It is answered with an error of this name, and nothing is done.
    Refuse(&'static str),
    /// What it asks is done, and half of the answer arrives.
    HalfAnswer,
    /// The connection ends, and nothing is done.
    HangUp,
    /// It is answered with so many records at most.
    AtMost(usize),
    /// The subscription ends after so many events, as after five minutes.
    Ends(usize),
    /// The subscription breaks off after so many events.
    Breaks(usize),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Such as `GetRecords`.
    pub operation: String,
    pub body: Value,
}

/// What becomes of a request, which is the `nth` of its operation, from 0.
type Script = dyn Fn(&Ask, usize) -> Act + Send + Sync;

/// A server that runs until it is dropped.
pub struct Fake {
    address: String,
    desk: Arc<Desk>,
}

struct Desk {
    world: Mutex<World>,
    script: Mutex<Arc<Script>>,
    asked: Mutex<HashMap<String, usize>>,
    over: AtomicBool,
}

// === impl Fake ===

impl Fake {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let desk = Arc::new(Desk {
            world: Mutex::default(),
            script: Mutex::new(Arc::new(|_, _| Act::Pass)),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&desk);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), desk) = (stream, Arc::clone(&serving)) else { continue };
                // How a connection ends is for the client to see.
                thread::spawn(move || desk.serve(stream));
            }
        });
        Self { address, desk }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Decides from now on what becomes of requests; they are counted anew.
    pub fn script(&self, script: impl Fn(&Ask, usize) -> Act + Send + Sync + 'static) {
        *self.desk.script.lock().unwrap() = Arc::new(script);
        self.desk.asked.lock().unwrap().clear();
    }

    /// What it keeps.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.desk.world.lock().unwrap()
    }

    /// How often an operation was asked for since the last script.
    pub fn asked(&self, operation: &str) -> usize {
        self.desk.asked.lock().unwrap().get(operation).copied().unwrap_or_default()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.desk.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

// === impl Desk ===

impl Desk {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut read = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            let ask = wire::read(&mut stream, &mut read)?;
            match self.act(&ask) {
                Act::HangUp => return Ok(()),
                Act::Refuse(name) => wire::write(&mut stream, &Err(name), false)?,
                act if ask.operation == "SubscribeToShard" => {
                    return subscription::serve(&self.world, &self.over, stream, &ask.body, &act);
                }
                act => {
                    let most = if let Act::AtMost(most) = act { most } else { usize::MAX };
                    let answer = answers::answer(&mut self.world.lock().unwrap(), &ask, most);
                    wire::write(&mut stream, &answer, act == Act::HalfAnswer)?;
                    if act == Act::HalfAnswer {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn act(&self, ask: &Ask) -> Act {
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(ask.operation.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let script = Arc::clone(&self.script.lock().unwrap());
        script(ask, nth)
    }
}
