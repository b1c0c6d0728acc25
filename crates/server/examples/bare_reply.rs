//! What the benchmarks of doors and tokens call a bare reply: hyper alone, which reads a request and answers `ok`.
//!
//! ```sh
//! cargo run --release -p countersign-server --example bare_reply -- 127.0.0.1:8085
//! ```

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8085".to_owned());
    let listener = TcpListener::bind(&address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let reply = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok")))));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), reply));
    }
}
