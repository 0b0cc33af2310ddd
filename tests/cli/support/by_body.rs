//! A server that answers any number of requests at a time, each by its body.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The longest that a request is held back for others: a test fails then, and does not hang.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a body is answered with: a content type, and bytes.
type Answers = dyn Fn(&[u8], &Crowd) -> (&'static str, Vec<u8>) + Send + Sync;

/// The requests that are out.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Now, and the most so far.
    out: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Crowd {
    /// Waits until so many requests have been out at the same time.
    pub(crate) fn wait_for(&self, many: usize) {
        let out = self.out.lock().expect("whole");
        drop(self.changed.wait_timeout_while(out, PATIENCE, |out| out.1 < many).expect("whole"));
    }

    fn add(&self) {
        let mut out = self.out.lock().expect("whole");
        out.0 += 1;
        out.1 = out.1.max(out.0);
        self.changed.notify_all();
    }
}

/// The server; it runs until the test ends.
pub(crate) struct ByBody {
    pub(crate) url: String,
    crowd: Arc<Crowd>,
}

impl ByBody {
    /// A server that answers in this way.
    pub(crate) fn start(
        answer: impl Fn(&[u8], &Crowd) -> (&'static str, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let (crowd, answer): (Arc<Crowd>, Arc<Answers>) = (Arc::default(), Arc::new(answer));
        let shared = Arc::clone(&crowd);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (crowd, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &crowd, &*answer));
            }
        });
        Self { url, crowd }
    }

    /// The most requests that were out at a time.
    pub(crate) fn most_out(&self) -> usize {
        self.crowd.out.lock().expect("whole").1
    }
}

/// The body of the next request on a connection; `None` where it ended.
pub(crate) fn next_body(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

fn serve(stream: TcpStream, crowd: &Crowd, answer: &Answers) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(body) = next_body(&mut reader)? {
        crowd.add();
        let (kind, bytes) = answer(&body, crowd);
        crowd.out.lock().expect("whole").0 -= 1;
        let length = bytes.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        reader.get_mut().write_all(&[head.as_bytes(), &bytes].concat())?;
    }
    Ok(())
}
