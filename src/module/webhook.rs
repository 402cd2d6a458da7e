//! Webhooks: whom a module tells of its changes.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::module::address::{is_private, is_public};
use crate::module::name::Identifier;
use crate::module::secret_place::SecretPlace;
use crate::module::secure_url::{InvalidUrl, SecureUrl};

/// Somebody who is told of a module's changes: a `[[modules.<name>.webhooks]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub(crate) url: WebhookUrl,
    pub(crate) on: BTreeSet<Trigger>,
    pub(crate) secret: SecretPlace,
    /// The members of documents that are sent; all, if this is nothing.
    pub(crate) fields: Option<Vec<Identifier>>,
    pub(crate) reach: Reach,
}

/// How far a webhook may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// To the Internet only.
    #[default]
    Internet,
    /// To private networks as well: what `private = true` allows.
    Private,
}

impl Reach {
    /// Whether what is sent may go to that address. None leads to this machine, to the one that has a
    /// cloud's credentials, or to no machine at all.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::Private && is_private(address))
    }
}

impl Webhook {
    /// Where events are sent.
    #[must_use]
    pub fn url(&self) -> &WebhookUrl {
        &self.url
    }

    /// What is sent.
    #[must_use]
    pub fn on(&self) -> &BTreeSet<Trigger> {
        &self.on
    }

    /// Where the secret is by which events are signed.
    #[must_use]
    pub fn secret(&self) -> &SecretPlace {
        &self.secret
    }

    /// The members of documents that are sent, if not all are.
    #[must_use]
    pub fn fields(&self) -> Option<&[Identifier]> {
        self.fields.as_deref()
    }

    /// How far it may lead.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

/// A kind of changes that a webhook is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// Items that are created.
    Create,
    /// Items that get another document.
    Update,
    /// Items that are no longer there, whoever removed them.
    Delete,
    /// Of these, those whose time was over.
    Expire,
}

impl Trigger {
    /// Every word.
    pub const WORDS: &[&str] = &["create", "update", "delete", "expire"];

    /// What is sent where nothing is said.
    pub(crate) const DEFAULT: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Expire => "expire",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Trigger {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let all = [Self::Create, Self::Update, Self::Delete, Self::Expire];
        let mut all = all.into_iter();
        all.find(|trigger| trigger.as_str() == word).ok_or(())
    }
}

/// Where events are sent: `https`, or `http` on this machine. To what addresses a name leads, only the
/// sender knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(SecureUrl);

/// Why a text is not a [`WebhookUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookUrl {
    /// Not a URL that can be trusted.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// An address that no other server has.
    #[error("{0} is an address of no server, or of one that gives out credentials")]
    NoServer(IpAddr),
}

impl WebhookUrl {
    /// Whether it leads to this machine.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.0.is_here()
    }

    /// The address of a private network that it names.
    pub(crate) fn private_address(&self) -> Option<IpAddr> {
        self.0.address().filter(|address| is_private(*address))
    }

    /// Its scheme, host and port: what of it is no secret.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin()
    }
}

impl FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: SecureUrl = text.parse()?;
        match url.address() {
            Some(address) if !Reach::Private.has(address) && !url.is_here() => {
                Err(InvalidWebhookUrl::NoServer(address))
            }
            _ => Ok(Self(url)),
        }
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The keys that events are signed with, all of them: two, while one is put in the other's place.
/// No debug output shows them.
pub struct SigningKeys(Vec<Box<[u8]>>);

/// Why a text has no [`SigningKeys`]. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be `{}` and the base64 of {} to {} bytes, or several of these with spaces between",
    SigningKeys::PREFIX,
    SigningKeys::BYTES.0,
    SigningKeys::BYTES.1
)]
pub struct InvalidSigningKeys;

impl SigningKeys {
    /// What a key begins with.
    const PREFIX: &str = "whsec_";

    /// How long a key is, as Standard Webhooks has it.
    const BYTES: (usize, usize) = (24, 64);

    /// The keys, in the order in which they are written.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|key| &**key)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl FromStr for SigningKeys {
    type Err = InvalidSigningKeys;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = |text: &str| {
            let text = text.strip_prefix(Self::PREFIX)?;
            let key = STANDARD.decode(text).ok()?;
            let (least, most) = Self::BYTES;
            (least..=most)
                .contains(&key.len())
                .then(|| key.into_boxed_slice())
        };
        let keys: Option<Vec<_>> = text.split_ascii_whitespace().map(key).collect();
        let keys = keys.filter(|keys| !keys.is_empty());
        keys.map(Self).ok_or(InvalidSigningKeys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sent_to_other_servers_by_https() {
        for (text, expected) in [
            ("https://erp.example.com/hooks?a=b", true),
            ("https://8.8.8.8/", true),
            ("http://localhost:9000/hook", true),
            ("http://127.0.0.1:9000/hook", true),
            ("https://[::1]/", true),
            ("http://erp.example.com/", false),
            ("https://10.0.0.1/", true),
            ("https://127.0.0.2/", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://[fd00:ec2::254]/", false),
            ("https://0x7f.1.1.1/", false),
            ("https://2130706434/", false),
            ("https://[::ffff:127.0.0.2]/", false),
            ("https://me:secret@erp.example.com/", false),
        ] {
            assert_eq!(text.parse::<WebhookUrl>().is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_private_network_is_reached_only_where_that_is_said() {
        for (text, reaches) in [
            ("8.8.8.8", [true, true]),
            ("10.0.0.1", [false, true]),
            ("fd12::1", [false, true]),
            ("127.0.0.1", [false, false]),
            ("169.254.169.254", [false, false]),
        ] {
            let address = text.parse().expect("an address");
            let has = [Reach::Internet, Reach::Private].map(|reach| reach.has(address));
            assert_eq!(has, reaches, "{text}");
        }
    }

    #[test]
    fn a_secret_has_one_key_or_more() {
        let key = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
        let count = |text: &str| text.parse::<SigningKeys>().map(|keys| keys.iter().count());
        assert_eq!(count(&key(24)), Ok(1));
        assert_eq!(count(&format!(" {}\n{} ", key(32), key(64))), Ok(2));
        for text in [
            "",
            " ",
            &key(23),
            &key(65),
            &key(32)["whsec_".len()..],
            &format!("{} x", key(32)),
        ] {
            assert_eq!(count(text), Err(InvalidSigningKeys), "{text}");
        }
    }
}
