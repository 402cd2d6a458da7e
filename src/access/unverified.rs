//! Why a token is not taken.

use super::Unchecked;

/// The longest token that is read, in bytes.
pub(super) const MAX_TOKEN_BYTES: usize = 8_192;

/// Why a token is not valid, in words for its sender and for the log: they quote nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// More than 8 KB.
    #[error("it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// No token at all, or one that is encrypted, or `alg` is `none`.
    #[error("it is not a signed JWT")]
    Malformed,
    /// Its header asks for what is not understood.
    #[error("its header has crit")]
    Critical,
    /// Signed for another purpose, such as a logout.
    #[error("its typ is that of another kind of token")]
    Type,
    /// Signed with an algorithm that its key is not for, or that is not used here.
    #[error("its algorithm is not that of its key")]
    Algorithm,
    /// The issuer has no such key.
    #[error("its key is unknown")]
    UnknownKey,
    /// More keys may have signed it than are tried.
    #[error("its key is ambiguous")]
    AmbiguousKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// What is signed is something else.
    #[error("its claims are not a JSON object")]
    Claims,
    /// Without a claim that every token must have.
    #[error("it has no {0}")]
    MissingClaim(&'static str),
    /// A claim that is needed is of another type than RFC 7519 has it.
    #[error("its {name} is not {expected}")]
    Claim {
        /// The claim.
        name: &'static str,
        /// What it has to be, in words.
        expected: &'static str,
    },
    /// What one reader takes for the value of a claim, another would not.
    #[error("it has a claim twice")]
    RepeatedClaim,
    /// Of another issuer.
    #[error("its issuer is another")]
    Issuer,
    /// For another audience.
    #[error("its audience is another")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time is still to come.
    #[error("it is not valid yet")]
    NotYetValid,
}

/// Why a token is not taken.
#[derive(Debug)]
pub(super) enum Unverified {
    Invalid(InvalidToken),
    Unchecked(Unchecked),
}

impl From<InvalidToken> for Unverified {
    fn from(invalid: InvalidToken) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Unchecked> for Unverified {
    fn from(cause: Unchecked) -> Self {
        Self::Unchecked(cause)
    }
}
