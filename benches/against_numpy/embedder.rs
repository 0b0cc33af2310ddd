//! A service that turns the text `N` into row N of a table, whatever the model.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::table::Table;

/// Serves on a free port of the loopback until this process ends; gives the base URL.
pub(crate) fn serve(queries: Table) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away early is reported by the one who started it.
            let _ = answer(stream, &queries);
        }
    });
    format!("http://{address}/v1")
}

fn answer(stream: TcpStream, queries: &Table) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let number = body["input"][0].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let row = queries.row(number);
    let reply = serde_json::json!({"data": [{"index": 0, "embedding": row}]}).to_string();
    let length = reply.len();
    write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{reply}"
    )
}
