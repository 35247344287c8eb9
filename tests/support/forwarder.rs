//! A connection to the API server that can be frozen, thawed and cut.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its part of this module"
)]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

/// How often a frozen connection looks whether it may go on.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Default)]
struct State {
    frozen: AtomicBool,
    cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

/// Forwards connections to the API server of `KUBECONFIG`.
pub struct Forwarder {
    state: Arc<State>,
    pub kubeconfig: PathBuf,
}

impl Forwarder {
    /// `None` where the server is not at an address of this machine, whose certificate would not fit.
    pub fn start(name: &str) -> Option<Self> {
        let output = Command::new("kubectl")
            .args(["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])
            .output()
            .unwrap();
        let mut config: Value = serde_json::from_slice(&output.stdout).unwrap();
        let server = config["clusters"][0]["cluster"]["server"].as_str()?.to_owned();
        let address = server.strip_prefix("https://")?.trim_end_matches('/').to_owned();
        if !address.starts_with("127.0.0.1:") {
            crate::tell::skip("local-cluster", "the API server is not on this machine");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        config["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{port}").into();
        let kubeconfig = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.kubeconfig"));
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&address) else {
                    continue;
                };
                for stream in [&client, &server] {
                    shared.streams.lock().unwrap().push(stream.try_clone().unwrap());
                }
                forward(&shared, client.try_clone().unwrap(), server.try_clone().unwrap());
                forward(&shared, server, client);
            }
        });
        Some(Self { state, kubeconfig })
    }

    /// Nothing goes through any more, and nobody is told.
    pub fn freeze(&self) {
        self.state.frozen.store(true, Ordering::SeqCst);
    }

    /// What was held goes through.
    pub fn thaw(&self) {
        self.state.frozen.store(false, Ordering::SeqCst);
    }

    /// Ends every connection, and every one that comes.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        for stream in self.state.streams.lock().unwrap().drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    /// Connections go through again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

fn forward(state: &Arc<State>, mut from: TcpStream, mut to: TcpStream) {
    let state = Arc::clone(state);
    thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(read) = from.read(&mut bytes) {
            while state.frozen.load(Ordering::SeqCst) {
                thread::sleep(PAUSE);
            }
            if read == 0 || to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _gone = to.shutdown(Shutdown::Both);
    });
}
