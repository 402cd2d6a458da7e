//! What a token says of its owner: RFC 7519's claims, and where else issuers write it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;

use super::unverified::InvalidToken;
use crate::module::claim_path::ClaimPath;

/// A text, or a list of them, as many claims are.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Deref for OneOrMany {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// The members of a JSON object as they were written, each with its name.
pub(super) struct Claims<'t> {
    members: HashMap<String, &'t RawValue>,
    is_repeated: bool,
}

impl<'t> Claims<'t> {
    /// Those of a token's payload.
    pub(super) fn parse(payload: &'t str) -> Result<Self, InvalidToken> {
        let claims = Self::of(payload).ok_or(InvalidToken::Claims)?;
        claims.unambiguous()
    }

    fn of(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What one reader takes for a member's value, another would not.
    fn unambiguous(self) -> Result<Self, InvalidToken> {
        if self.is_repeated {
            return Err(InvalidToken::RepeatedClaim);
        }
        Ok(self)
    }

    /// A claim's text, as it is written; what is null is not there.
    fn written(&self, name: &str) -> Option<&'t str> {
        let text = self.members.get(name)?.get();
        (text != "null").then_some(text)
    }

    /// A claim that, if it is there, has to be a `T`, in words `expected`.
    pub(super) fn optional<T: Deserialize<'t>>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, InvalidToken> {
        let value = self.written(name).map(serde_json::from_str).transpose();
        value.map_err(|_| InvalidToken::Claim { name, expected })
    }

    /// A claim without which a token is not valid.
    pub(super) fn required<T: Deserialize<'t>>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<T, InvalidToken> {
        let value = self.optional(name, expected)?;
        value.ok_or(InvalidToken::MissingClaim(name))
    }

    /// Who the owner is. Some issuers number them, although RFC 7519 wants a text.
    pub(super) fn subject(&self) -> Option<String> {
        let text = self.written("sub")?;
        let number = || serde_json::from_str(text).map(|number: Number| number.to_string());
        serde_json::from_str(text).or_else(|_| number()).ok()
    }

    /// A claim, or a member within one.
    pub(super) fn find<T: Deserialize<'t>>(
        &self,
        path: &ClaimPath,
    ) -> Result<Option<T>, InvalidToken> {
        let (last, outer) = path.split_last();
        let mut inner;
        let mut claims = self;
        for name in outer {
            let object = claims.written(name.as_str()).and_then(Self::of);
            let Some(object) = object else {
                return Ok(None);
            };
            inner = object.unambiguous()?;
            claims = &inner;
        }
        let text = claims.written(last.as_str());
        Ok(text.and_then(|text| serde_json::from_str(text).ok()))
    }

    /// What the owner may do: what stands at `path`, or else what the standard claims have. A text
    /// has scopes with spaces between them; in a list, each text is a scope.
    pub(super) fn scopes(
        &self,
        path: Option<&ClaimPath>,
    ) -> Result<BTreeSet<String>, InvalidToken> {
        let found = match path {
            Some(path) => [self.find(path)?, None],
            None => ["scope", "scp"].map(|name| serde_json::from_str(self.written(name)?).ok()),
        };
        let mut scopes = BTreeSet::new();
        for list in found.into_iter().flatten() {
            match list {
                OneOrMany::One(text) => scopes.extend(text.split(' ').map(str::to_owned)),
                OneOrMany::Many(texts) => scopes.extend(texts),
            }
        }
        Ok(scopes)
    }
}

impl<'t> Deserialize<'t> for Claims<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimsVisitor;

        impl<'t> Visitor<'t> for ClaimsVisitor {
            type Value = Claims<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut members, mut is_repeated) = (HashMap::new(), false);
                while let Some((name, value)) = map.next_entry()? {
                    is_repeated |= members.insert(name, value).is_some();
                }
                Ok(Claims {
                    members,
                    is_repeated,
                })
            }
        }

        deserializer.deserialize_map(ClaimsVisitor)
    }
}
