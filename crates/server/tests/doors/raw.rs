//! A client that sends exactly the bytes it is given.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back, and whether the connection was closed behind it.
#[derive(Debug, Clone)]
pub struct Reply {
    pub text: String,
    pub is_closed: bool,
}

impl Reply {
    /// The status of the first answer; 0 where there is none.
    pub fn status(&self) -> u16 {
        self.statuses().next().unwrap_or(0)
    }

    /// The status of every answer. Bodies here hold no status line.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.text.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)?.parse().ok())
    }
}

/// Sends `bytes` on a new connection, and reads until it is closed or nothing comes for a while.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Reply {
    send_and_wait(address, bytes, Duration::from_millis(60)).await
}

/// The same with more patience.
pub async fn send_and_wait(address: SocketAddr, bytes: &[u8], patience: Duration) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // whoever is refused early may find nobody reading
    let _ = stream.write_all(bytes).await;
    read(&mut stream, patience).await
}

/// Reads until the connection is closed, or nothing comes for `patience`, after an answer; ten times as long before.
pub async fn read(stream: &mut TcpStream, patience: Duration) -> Reply {
    let mut received = Vec::new();
    let is_closed = loop {
        let patience = if received.is_empty() { patience * 80 } else { patience };
        match timeout(patience, stream.read_buf(&mut received)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(_)) => {}
            Err(_) => break false,
        }
    };
    Reply { text: received.iter().map(|byte| char::from(*byte)).collect(), is_closed }
}
