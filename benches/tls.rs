//! An endpoint with TLS, whose certificate an authority of its own has signed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use crate::dynamodb;

/// All authorities of the system, as the SDK reads them unless it is told otherwise.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Those that the function has in it.
const AMAZON: &str = include_str!("../src/aws/trust/amazon.pem");

/// A DynamoDB behind TLS, and the files of authorities with which it is reached.
pub struct Endpoint {
    pub address: SocketAddr,
    /// The system's, and this endpoint's.
    pub system_roots: PathBuf,
    /// Amazon's, and this endpoint's.
    pub amazon_roots: PathBuf,
}

impl Endpoint {
    /// Serves, and writes the files into `folder`.
    pub async fn start(folder: &Path, delay: Duration) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = CertificateParams::new(["127.0.0.1".to_owned()])?;
        let certificate = names.signed_by(&key, &authority)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                key.serialize_der().try_into().map_err(anyhow::Error::msg)?,
            )?;
        let listener = TlsListener {
            tcp: TcpListener::bind("127.0.0.1:0").await?,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        };
        let file = |name: &str, others: &str| {
            let file = folder.join(name);
            fs::write(&file, format!("{others}\n{}", authority.pem()))?;
            anyhow::Ok(file)
        };
        let system = fs::read_to_string(SYSTEM).with_context(|| SYSTEM.to_owned())?;
        Ok(Self {
            system_roots: file("system.pem", &system)?,
            amazon_roots: file("amazon.pem", AMAZON)?,
            address: dynamodb::serve(listener, delay)?,
        })
    }
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.tcp).await;
            // Else the first answer waits for the handshake's last ACK, which may take 40 ms.
            let _ = stream.set_nodelay(true);
            // Who does not finish the handshake is told by the function that fails.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
