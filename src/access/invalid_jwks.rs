//! Why an issuer's keys can't be used.

use std::path::PathBuf;

use super::fetch::FetchError;
use crate::module::name::Identifier;
use crate::module::secure_url::SecureUrl;

/// Why what was found is not a set of keys that can be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeySet {
    /// It is not the JSON that RFC 7517 describes.
    #[error("it is not a JSON Web Key Set")]
    NotJwks(#[source] serde_json::Error),
    /// It is JSON of another kind, such as certificates by their names.
    #[error("it is not a JSON Web Key Set: `keys` is missing")]
    NoKeys,
    /// It is a document that says where the keys are.
    #[error("it is the issuer's discovery document, and not its keys")]
    Discovery,
    /// None of its keys is of a kind that is used here.
    #[error("none of its keys is for RS256, ES256 or EdDSA")]
    NoUsableKey,
}

/// Why an issuer's keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJwks {
    /// Their file can't be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Their server can't be reached, or does not answer as it should.
    #[error("cannot fetch `{url}`")]
    Unreachable {
        /// What was asked for.
        url: SecureUrl,
        /// What went wrong.
        source: FetchError,
    },
    /// What their file or their server has is not such a set.
    #[error("cannot use `{place}`")]
    Set {
        /// The file or the URL.
        place: String,
        /// What is wrong with it.
        source: InvalidKeySet,
    },
    /// The issuer's document is not the JSON that OIDC Discovery describes.
    #[error("`{url}` is not a discovery document")]
    NotDiscovery {
        /// Where it is.
        url: SecureUrl,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The document is another issuer's, or the issuer spells its name in another way.
    #[error("`{url}` names {}; `issuer` must be the same, to the letter", in_words(issuer.as_ref()))]
    OtherIssuer {
        /// Where the document is.
        url: SecureUrl,
        /// The issuer that it names, if that can be one.
        issuer: Option<Identifier>,
    },
    /// The document has no URL of keys that can be trusted.
    #[error("`{url}` has no valid `jwks_uri`: it must begin with `https://`")]
    InvalidKeyUrl {
        /// Where the document is.
        url: SecureUrl,
    },
}

fn in_words(issuer: Option<&Identifier>) -> String {
    issuer.map_or_else(
        || "another issuer".to_owned(),
        |issuer| format!("the issuer `{issuer}`"),
    )
}

impl InvalidJwks {
    /// Whether waiting may help: a server that is down may answer with a page that says so. All
    /// else is the configuration's, or the issuer's, to mend.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NotDiscovery { .. } => true,
            Self::Set { source, .. } => matches!(source, InvalidKeySet::NotJwks(_)),
            Self::Read { .. } | Self::OtherIssuer { .. } | Self::InvalidKeyUrl { .. } => false,
        }
    }
}
