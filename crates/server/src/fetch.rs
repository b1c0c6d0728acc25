//! The only way out to addresses that somebody else names: client metadata documents, key sets, logout endpoints.
//!
//! The host is looked up once, every address that it has is checked, and a checked one is connected to: a name that means something else a
//! moment later changes nothing (DNS rebinding). TLS only, no redirects, no proxy, no cookies; bounded in time, length and number.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_domain::outgoing::is_public;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::config::Outgoing;
use crate::tls;

/// How long one exchange may take, from the name's look-up to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer to a form: nobody reads it.
const LONGEST_ACKNOWLEDGEMENT: usize = 64 * 1_024;
/// Most exchanges at a time: requests that nobody signed for make us fetch.
const AT_A_TIME: usize = 16;

/// What was answered.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Redirects are not followed: they are answers like others.
    pub status: StatusCode,
    /// As they came.
    pub headers: HeaderMap,
    /// Whole.
    pub body: Bytes,
}

/// Why there is no answer. Told to our log; whoever named the address only hears that it did not work.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Anything that could be read or changed on its way.
    #[error("only `https` addresses without user info are fetched")]
    Address,
    /// The name means nothing.
    #[error("the host is not known: {0}")]
    Unknown(io::Error),
    /// E17
    #[error("the host has an address that only this machine or its network can reach: {0}")]
    NotPublic(IpAddr),
    /// TCP or TLS.
    #[error("no connection: {0}")]
    Connection(io::Error),
    /// HTTP.
    #[error("no answer: {0}")]
    Exchange(hyper::Error),
    /// More than was asked for.
    #[error("the answer is longer than {0} bytes, or broke off")]
    TooLong(usize),
    /// It, or those before it, took longer than a fetch may.
    #[error("the answer took too long")]
    TooSlow,
}

/// What an answer of the network is awaited as.
pub type Awaited<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// How names are looked up and addresses connected to.
pub trait Network: Send + Sync {
    /// Every address of a host.
    fn resolve(&self, host: &str) -> Awaited<Vec<IpAddr>>;
    /// A connection to exactly this address.
    fn connect(&self, address: SocketAddr) -> Awaited<TcpStream>;
}

/// The operating system's.
#[derive(Debug, Clone, Copy)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve(&self, host: &str) -> Awaited<Vec<IpAddr>> {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> Awaited<TcpStream> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Fetches what others point us to.
#[derive(Clone)]
pub struct Fetcher {
    network: Arc<dyn Network>,
    tls: TlsConnector,
    /// Hosts that may be this machine.
    loopback_hosts: Arc<BTreeSet<String>>,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl Fetcher {
    /// A fetcher over the operating system's network.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn new(config: &Outgoing) -> anyhow::Result<Self> {
        Self::over(Arc::new(SystemNetwork), config)
    }

    /// A fetcher over another network: tests.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn over(network: Arc<dyn Network>, config: &Outgoing) -> anyhow::Result<Self> {
        Ok(Self {
            network,
            tls: TlsConnector::from(Arc::new(tls(config.ca.as_deref())?)),
            loopback_hosts: Arc::new(config.loopback_hosts.clone()),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
            timeout: TIMEOUT,
        })
    }

    /// `GET`.
    ///
    /// # Errors
    /// When there is no whole answer of at most `longest` bytes.
    pub async fn get(&self, url: &str, accept: &str, longest: usize) -> Result<Fetched, FetchError> {
        let request = Request::builder().method(Method::GET).header(header::ACCEPT, accept);
        self.exchange(url, request, Bytes::new(), longest).await
    }

    /// `POST` of a form; only the status is looked at.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<StatusCode, FetchError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let content_type = "application/x-www-form-urlencoded";
        let request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, content_type);
        Ok(self.exchange(url, request, body.into(), LONGEST_ACKNOWLEDGEMENT).await?.status)
    }

    async fn exchange(
        &self,
        url: &str,
        request: http::request::Builder,
        body: Bytes,
        longest: usize,
    ) -> Result<Fetched, FetchError> {
        let exchange = async {
            let _permit = self.permits.acquire().await.map_err(|_| FetchError::TooSlow)?;
            self.exchange_unbounded(url, request, body, longest).await
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| FetchError::TooSlow)?
    }

    async fn exchange_unbounded(
        &self,
        url: &str,
        request: http::request::Builder,
        body: Bytes,
        longest: usize,
    ) -> Result<Fetched, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Address)?;
        let has_user_info = !url.username().is_empty() || url.password().is_some();
        let host = url.host().filter(|_| url.scheme() == "https" && !has_user_info).ok_or(FetchError::Address)?;
        let addresses = self.checked_addresses(&host).await?;
        let stream = self.connect(&addresses, url.port_or_known_default().unwrap_or(443)).await?;
        let name =
            ServerName::try_from(url.host_str().unwrap_or_default().to_owned()).map_err(|_| FetchError::Address)?;
        let stream = self.tls.connect(name, stream).await.map_err(FetchError::Connection)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(FetchError::Exchange)?;
        let connection = AbortOnDrop(tokio::spawn(connection));
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let request = request
            .uri(target)
            .header(header::HOST, authority)
            .header(header::USER_AGENT, "countersign")
            .body(Full::new(body))
            .map_err(|_| FetchError::Address)?;
        let (parts, body) = sender.send_request(request).await.map_err(FetchError::Exchange)?.into_parts();
        let body = Limited::new(body, longest).collect().await.map_err(|_| FetchError::TooLong(longest))?.to_bytes();
        drop(connection);
        Ok(Fetched { status: parts.status, headers: parts.headers, body })
    }

    /// E17: one address that must not be reached refuses the host, whatever else it is called.
    async fn checked_addresses(&self, host: &Host<&str>) -> Result<Vec<IpAddr>, FetchError> {
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self.network.resolve(name).await.map_err(FetchError::Unknown)?,
        };
        let may_be_loopback = self.loopback_hosts.contains(&host.to_string());
        let is_allowed = |address: &IpAddr| is_public(*address) || (may_be_loopback && address.is_loopback());
        match addresses.iter().find(|address| !is_allowed(address)) {
            Some(address) => Err(FetchError::NotPublic(*address)),
            None => Ok(addresses),
        }
    }

    async fn connect(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, FetchError> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match self.network.connect(SocketAddr::new(*address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(FetchError::Connection(failure))
    }
}

/// The connection ends with the exchange, also where that is given up.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The public authorities, and those of `ca`.
/// Authorities that the configuration names are trusted beside the public ones.
fn tls(ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = tls::public_roots();
    ca.map_or(Ok(()), |file| tls::add_roots(&mut roots, file))?;
    tls::client_config(roots, None)
}

#[cfg(test)]
mod tests;
