//! The network between a laptop and AWS, as far as a deployment uses it.
//!
//! A proxy that ends TLS itself, as those of companies do, hands what is meant for AWS to the
//! emulator, refuses all else, and remembers who was asked by whom. So stage `prod` can be deployed
//! without an account, by programs that believe that they speak to AWS.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::emulator::emulator;

const AWS: &str = ".amazonaws.com";

/// A proxy, and whose word for its certificates is to be taken.
pub(crate) struct Network {
    address: SocketAddr,
    authority: PathBuf,
    seen: Arc<Mutex<Seen>>,
    _folder: TempDir,
}

/// What went through, or was refused.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) hosts: BTreeSet<String>,
    /// The access keys that calls were signed with.
    pub(crate) keys: BTreeSet<String>,
}

impl Network {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("it is writable");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A certificate of its issuer's name would be one that signs itself.
        let name = "the proxy of modulo's tests";
        authority.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, authority.pem()).expect("it is writable");

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("it can be");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::<Mutex<Seen>>::default();
        let proxy = Arc::new(Proxy {
            authority,
            emulator: emulator().endpoint.replace("http://", ""),
            seen: seen.clone(),
        });
        std::thread::spawn(move || {
            crate::tables::wait(async {
                let listener = TcpListener::from_std(listener).expect("it is a listener");
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(proxy.clone().serve(client));
                }
            });
        });
        Self {
            address,
            authority: file,
            seen,
            _folder: folder,
        }
    }

    /// Has a command use it, by the variables that its user would set behind such a proxy.
    pub(crate) fn lead(&self, command: &mut Command) {
        command
            .env("HTTPS_PROXY", format!("http://{}", self.address))
            .env("NODE_EXTRA_CA_CERTS", &self.authority)
            .env("SSL_CERT_FILE", &self.authority)
            // npm itself asks once in a while whether there is a newer one.
            .env("NO_UPDATE_NOTIFIER", "1");
    }

    /// What was seen since the last time.
    pub(crate) fn seen(&self) -> Seen {
        std::mem::take(&mut self.seen.lock().expect("nothing panics"))
    }
}

struct Proxy {
    authority: CertifiedIssuer<'static, KeyPair>,
    emulator: String,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    async fn serve(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let mut client = BufReader::new(client);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && client.read_line(&mut head).await? > 0 {}
        let target = head.split(' ').nth(1).unwrap_or_default();
        let host = target.split(':').next().unwrap_or_default().to_owned();
        self.note(|seen| seen.hosts.insert(host.clone()));
        let is_tunnel = head.starts_with("CONNECT ");
        if !is_tunnel || !host.ends_with(AWS) {
            let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            return client.write_all(refusal).await;
        }
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let client = self.acceptor(host).accept(client).await?;
        let emulator = TcpStream::connect(&self.emulator).await?;
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_emulator, mut to_emulator) = emulator.into_split();
        let answers = async {
            tokio::io::copy(&mut from_emulator, &mut to_client).await?;
            to_client.shutdown().await
        };
        let requests = async {
            let mut part = vec![0; 64 * 1024];
            loop {
                let length = from_client.read(&mut part).await?;
                if length == 0 {
                    return to_emulator.shutdown().await;
                }
                self.note_keys(&part[..length]);
                to_emulator.write_all(&part[..length]).await?;
            }
        };
        tokio::try_join!(answers, requests).map(|_| ())
    }

    fn acceptor(&self, host: String) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let name = CertificateParams::new([host]).expect("a host's name");
        let certificate = name.signed_by(&key, &self.authority).expect("a signature");
        let key = key.serialize_der().try_into().expect("it is a key");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("they belong together");
        TlsAcceptor::from(Arc::new(config))
    }

    fn note_keys(&self, request: &[u8]) {
        let text = String::from_utf8_lossy(request);
        for rest in text.split("Credential=").skip(1) {
            if let Some((key, _)) = rest.split_once('/') {
                self.note(|seen| seen.keys.insert(key.to_owned()));
            }
        }
    }

    fn note<T>(&self, what: impl FnOnce(&mut Seen) -> T) {
        what(&mut self.seen.lock().expect("nothing panics"));
    }
}
