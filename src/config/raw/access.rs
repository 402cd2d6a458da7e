//! `[access.<name>]`, and what modules say of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::config::ValueKind;

use super::{Section, Setting, describe, has_environment, noun, source, suggest, texts};
use crate::access::MAX_LEEWAY;
use crate::config::error::{Faults, KeyPath, Source};
use crate::module::api_key::ApiKey;
use crate::module::claim_path::ClaimPath;
use crate::module::file::{ConfigFile, FilePath};
use crate::module::guard::{Callers, Credential, Guard, Jwt, KeyPlace, KeySource, Keys};
use crate::module::issuer_url::IssuerUrl;
use crate::module::name::{GuardName, Identifier, Scope};
use crate::module::secret_place::SecretPlace;
use crate::module::{Verb, Verbs};

/// How far the clocks of issuer and function may be apart, where nothing is said.
const DEFAULT_LEEWAY: Duration = Duration::from_mins(1);

/// How to say what signatures are checked with.
const NAME_KEYS: &str = "name the issuer's keys, as in jwks = \"https://…/jwks.json\", or the place of \
                         the secret, as in secret = { env = \"JWT_SECRET\" }";

/// What a module says of its callers.
#[derive(Clone)]
pub(in crate::config) enum Access {
    /// `access = "open"`
    Open,
    Guarded(Requirements),
}

/// `[modules.<name>.access]`
#[derive(Clone, Default)]
pub(in crate::config) struct Requirements {
    pub(in crate::config) guard: Option<Setting<GuardName>>,
    pub(in crate::config) public: Option<Setting<Verbs>>,
    pub(in crate::config) scopes: BTreeMap<Verb, Vec<Scope>>,
}

/// What a guard's definition may refer to.
#[derive(Clone, Copy)]
pub(in crate::config) struct Surroundings<'a> {
    /// The folder of `modules.toml`.
    pub(in crate::config) folder: &'a Path,
    pub(in crate::config) environment: &'a BTreeMap<String, String>,
    /// Whether the files that are named are read with it, or when they are needed.
    pub(in crate::config) reads_files: bool,
}

impl Surroundings<'_> {
    pub(super) fn file(self, path: FilePath) -> ConfigFile {
        let file = ConfigFile::new(path, self.folder);
        if self.reads_files {
            file.with_content()
        } else {
            file
        }
    }
}

/// The keys of an issuer of which no more is said: its own document says where they are.
fn discovered(issuer: &Setting<Identifier>, faults: &mut Faults) -> Option<KeyPlace> {
    match IssuerUrl::new(issuer.value.clone()) {
        Ok(url) => Some(KeyPlace::Issuer(url)),
        Err(invalid) => {
            let message = format!(
                "`jwks` is missing, and can't be discovered from `{}`: {invalid}",
                issuer.value
            );
            faults
                .add(issuer.path.clone(), issuer.source, message)
                .help(NAME_KEYS);
            None
        }
    }
}

fn scopes_of(kind: ValueKind, path: &KeyPath, source: Source, faults: &mut Faults) -> Vec<Scope> {
    const HELP: &str = "list scopes, as in [\"rooms:write\"]";
    let mut fault = |message| {
        faults.add(path.clone(), source, message).help(HELP);
    };
    let texts = match texts(kind) {
        Ok(texts) => texts,
        Err(found) => {
            fault(format!("expected a list of scopes, found {found}"));
            return Vec::new();
        }
    };
    let scopes = texts.iter().filter_map(|text| {
        text.parse()
            .map_err(|invalid| fault(format!("`{text}` is not a valid scope: {invalid}")))
            .ok()
    });
    scopes.collect()
}

impl Section {
    /// Every key is a guard's name.
    pub(super) fn read_guards(
        self,
        around: Surroundings<'_>,
        faults: &mut Faults,
    ) -> BTreeMap<GuardName, Option<Arc<Guard>>> {
        let mut guards = BTreeMap::new();
        for (name, value) in self.table {
            let path = self.path.child(name.clone());
            let source = source(&value);
            let name = match name.parse::<GuardName>() {
                Ok(name) => name,
                Err(invalid) => {
                    let message = format!("`{name}` is not a valid name of a guard: {invalid}");
                    faults.add(path, source, message);
                    continue;
                }
            };
            let credential = Self::open(value, path, faults)
                .and_then(|section| section.credential(around, faults));
            let guard = credential.map(|credential| {
                let name = name.clone();
                Arc::new(Guard { name, credential })
            });
            guards.insert(name, guard);
        }
        guards
    }

    fn credential(mut self, around: Surroundings<'_>, faults: &mut Faults) -> Option<Credential> {
        const HELP: &str = "write jwt = { issuer = \"…\", audience = \"…\", jwks = \"…\" }, or \
                            keys = [{ name = \"…\", hash = \"sha256:…\" }]";
        let path = self.path.clone();
        let is_one = self.is_one_of(&["jwt", "keys"], HELP, faults);
        let jwt = self.section("jwt", faults);
        let jwt = jwt.and_then(|section| section.jwt(around, faults));
        let keys = self.api_keys("keys", faults);
        self.close(faults);
        if !is_one || faults.blame(&path) {
            return None;
        }
        jwt.map(Credential::Jwt).or(keys.map(Credential::Key))
    }

    /// Whether one of these keys is there, and no other of them.
    pub(super) fn is_one_of(&self, keys: &[&str], help: &str, faults: &mut Faults) -> bool {
        let found: Vec<_> = keys
            .iter()
            .filter(|key| self.table.contains_key(**key))
            .map(|key| format!("`{key}`"))
            .collect();
        let message = match found.len() {
            1 => return true,
            0 => {
                let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
                format!("{} is missing", keys.join(" or "))
            }
            _ => format!("{} can't stand together", found.join(" and ")),
        };
        faults
            .add(self.path.clone(), Source::File, message)
            .help(help);
        false
    }

    fn jwt(mut self, around: Surroundings<'_>, faults: &mut Faults) -> Option<Jwt> {
        let is_discovered = !["jwks", "secret"]
            .iter()
            .any(|key| self.table.contains_key(*key));
        if !is_discovered {
            self.is_one_of(&["jwks", "secret"], NAME_KEYS, faults);
        }
        let issuer = self.required::<Identifier>("issuer", "as the issuer writes it", faults);
        let audiences = self.audiences("audience", faults);
        let leeway = self.duration("leeway", faults);
        if let Some(set) = leeway.as_ref().filter(|set| set.value > MAX_LEEWAY) {
            let message = format!(
                "`{}` is too long: tokens would be accepted for so long after they expire; the \
                 limit is {}",
                humantime::format_duration(set.value),
                humantime::format_duration(MAX_LEEWAY)
            );
            let help = "leave it out, and have the issuer make tokens that expire later";
            faults.add(set.path.clone(), set.source, message).help(help);
        }
        let scopes_claim = self.scopes_claim("scopes_claim", faults);
        let jwks = self.text::<KeySource>("jwks", faults);
        let jwks = jwks.map(|set| match set.value {
            KeySource::Url(url) => KeyPlace::Url(url),
            KeySource::File(path) => KeyPlace::File(around.file(path)),
        });
        let secret = self.section("secret", faults);
        let secret = secret.and_then(|section| section.secret(around, faults));
        self.close(faults);
        let issuer = issuer?;
        let discovered = is_discovered.then(|| discovered(&issuer, faults)).flatten();
        Some(Jwt {
            issuer: issuer.value,
            audiences: audiences?,
            leeway: leeway.map_or(DEFAULT_LEEWAY, |set| set.value),
            scopes_claim,
            keys: (jwks.or(discovered).map(Keys::Public)).or(secret.map(Keys::Secret))?,
        })
    }

    /// One text, or a list of them, which the environment writes with commas between them.
    fn audiences(&mut self, key: &'static str, faults: &mut Faults) -> Option<Vec<Identifier>> {
        const HELP: &str =
            "write audience = \"…\", as tokens name this API, or a list of such names";
        let Some((value, path, source)) = self.take(key) else {
            let message = format!("`{key}` is missing");
            faults
                .add(self.path.clone(), Source::File, message)
                .help(HELP);
            return None;
        };
        let mut fault = |message| {
            faults.add(path.clone(), source, message).help(HELP);
        };
        let texts = match (value.kind, source) {
            (ValueKind::String(list), Source::Environment) => {
                list.split(',').map(|text| text.trim().to_owned()).collect()
            }
            (ValueKind::String(text), Source::File) => vec![text],
            (kind, _) => match texts(kind) {
                Ok(texts) => texts,
                Err(found) => {
                    fault(format!("expected a text or a list of texts, found {found}"));
                    return None;
                }
            },
        };
        if texts.is_empty() {
            fault("the list is empty, so no token is for this API".to_owned());
        }
        let audiences = texts.iter().filter_map(|text| {
            let invalid = |invalid| fault(format!("`{text}` is not a valid audience: {invalid}"));
            text.parse().map_err(invalid).ok()
        });
        Some(audiences.collect())
    }

    /// The name of a claim, or the path to a member of one.
    fn claim_path(&mut self, key: &'static str, faults: &mut Faults) -> Option<Setting<ClaimPath>> {
        const HELP: &str = "write the claim's name, or the names from the outside in, as in \
                            [\"realm_access\", \"roles\"]";
        let (value, path, source) = self.take(key)?;
        let mut fault = |message| {
            faults.add(path.clone(), source, message).help(HELP);
        };
        let names = match value.kind {
            ValueKind::String(name) => vec![name],
            kind => match texts(kind) {
                Ok(names) => names,
                Err(found) => {
                    fault(format!("expected a text or a list of texts, found {found}"));
                    return None;
                }
            },
        };
        let parsed = names.iter().map(|name| {
            let invalid = |invalid| fault(format!("`{name}` is not a valid claim: {invalid}"));
            name.parse().map_err(invalid).ok()
        });
        let parsed: Option<Vec<Identifier>> = parsed.collect();
        let Some(value) = ClaimPath::new(parsed?) else {
            fault("the list is empty".to_owned());
            return None;
        };
        Some(Setting {
            value,
            path,
            source,
        })
    }

    /// A dot in a text looks like a path to those who know the notation of others, and not to a
    /// token, where a claim may have one in its name.
    fn scopes_claim(&mut self, key: &'static str, faults: &mut Faults) -> Option<ClaimPath> {
        let ambiguous = match self.table.get(key).map(|value| &value.kind) {
            Some(ValueKind::String(name)) if name.contains('.') && !name.contains("://") => {
                Some(name.clone())
            }
            _ => None,
        };
        let set = self.claim_path(key, faults)?;
        if let Some(name) = ambiguous {
            let names: Vec<_> = name.split('.').map(|name| format!("\"{name}\"")).collect();
            let help = format!(
                "write {key} = [{}] for a member within a claim, or {key} = [\"{name}\"] for a \
                 claim of that very name",
                names.join(", ")
            );
            let message = format!("`{name}` can be read in two ways");
            faults.add(set.path, set.source, message).help(help);
            return None;
        }
        Some(set.value)
    }

    fn secret(self, around: Surroundings<'_>, faults: &mut Faults) -> Option<SecretPlace> {
        let path = self.path.child("env");
        let secret = self.secret_place(around, faults)?;
        if let Some(bytes) = secret.len().filter(|&bytes| bytes < SecretPlace::MIN_BYTES) {
            let message = format!(
                "the secret there has {bytes} bytes, HS256 needs {} at the least",
                SecretPlace::MIN_BYTES
            );
            faults
                .add(path, Source::File, message)
                .help("make one with: openssl rand -base64 48");
        }
        Some(secret)
    }

    /// Where a secret is.
    pub(super) fn secret_place(
        mut self,
        around: Surroundings<'_>,
        faults: &mut Faults,
    ) -> Option<SecretPlace> {
        const HELP: &str = "name the variable that has it, as in { env = \"JWT_SECRET\" }, or the \
                            parameter, { ssm = \"/modulo/jwt\" }, or the secret, \
                            { secretsmanager = \"modulo/jwt\" }";
        let is_one = self.is_one_of(&["env", "ssm", "secretsmanager"], HELP, faults);
        let variable = self.text::<Identifier>("env", faults).map(|set| set.value);
        let parameter = self.text("ssm", faults);
        let parameter = parameter.map(|set| SecretPlace::Parameter(set.value));
        let named = self.text("secretsmanager", faults);
        let named = named.map(|set| SecretPlace::Secret(set.value));
        self.close(faults);
        if !is_one {
            return None;
        }
        let Some(variable) = variable else {
            return parameter.or(named);
        };
        let value = around.environment.get(variable.as_str());
        Some(SecretPlace::of_variable(
            variable,
            value.map(String::as_str),
        ))
    }

    fn required<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        what: &str,
        faults: &mut Faults,
    ) -> Option<Setting<T>> {
        let set = self.text(key, faults);
        let path = self.path.child(key);
        if set.is_none() && !faults.blame(&path) {
            faults
                .add(
                    self.path.clone(),
                    Source::File,
                    format!("`{key}` is missing"),
                )
                .help(format!("write {key} = \"…\", {what}"));
        }
        set
    }

    fn api_keys(&mut self, key: &'static str, faults: &mut Faults) -> Option<Vec<ApiKey>> {
        let (value, path, origin) = self.take(key)?;
        let ValueKind::Array(values) = value.kind else {
            let message = format!("expected a list of keys, found {}", describe(&value.kind));
            faults
                .add(path, origin, message)
                .help("write keys = [{ name = \"…\", hash = \"sha256:…\", scopes = [\"…\"] }]");
            return None;
        };
        if values.is_empty() {
            faults
                .add(
                    path.clone(),
                    origin,
                    "the list is empty, so nobody has a key",
                )
                .help("make a key with `modulo key`");
        }
        let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        let mut keys = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let path = path.child(at.to_string());
            let Some(mut section) = Self::open(value, path.clone(), faults) else {
                continue;
            };
            let name = section.required("name", "whose the key is", faults);
            let hash = section.required("hash", "as `modulo key` prints it", faults);
            let scopes = section.scopes("scopes", faults);
            let tenant = section.text("tenant", faults).map(|set| set.value);
            section.close(faults);
            let (Some(name), Some(hash)) = (name, hash) else {
                continue;
            };
            let key = ApiKey {
                name: name.value,
                hash: hash.value,
                scopes,
                tenant,
            };
            if !names.insert(key.name.clone()) {
                let message = format!("there is another key `{}`", key.name);
                faults.add(path.clone(), origin, message);
            }
            if !hashes.insert(key.hash) {
                faults.add(path, origin, "there is another key with this hash");
            }
            keys.push(key);
        }
        Some(keys)
    }

    /// A list of scopes; where there is none, none is.
    fn scopes(&mut self, key: &'static str, faults: &mut Faults) -> Vec<Scope> {
        let Some((value, path, source)) = self.take(key) else {
            return Vec::new();
        };
        scopes_of(value.kind, &path, source, faults)
    }

    /// The word for everybody, or `[modules.<name>.access]`.
    pub(super) fn access(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Setting<Access>> {
        let (value, path, source) = self.take(key)?;
        if has_environment(&value) {
            faults
                .add(
                    path,
                    source,
                    "what a module asks of its callers can't be said in the environment",
                )
                .help("say it in modules.toml, where verbs and scopes keep their case");
            return None;
        }
        match &value.kind {
            ValueKind::Table(_) => {}
            ValueKind::String(word) if word == Callers::OPEN => {
                return Some(Setting {
                    value: Access::Open,
                    path,
                    source,
                });
            }
            kind => {
                let found = describe(kind);
                let message = format!("expected a table or \"open\", found {found}");
                faults.add(path, source, message).help(
                    "write access = { guard = \"…\" }, or access = \"open\" for a module that \
                     is open to everybody",
                );
                return None;
            }
        }
        let mut section = Self::open(value, path.clone(), faults)?;
        let mut access = Requirements {
            guard: section.text("guard", faults),
            public: section.verbs("public", faults),
            scopes: BTreeMap::new(),
        };
        if let Some(scopes) = section.section("scopes", faults) {
            access.scopes = scopes.scopes_of_verbs(faults);
        }
        section.close(faults);
        if let Some(public) = &access.public {
            for verb in public
                .value
                .iter()
                .filter(|verb| access.scopes.contains_key(verb))
            {
                let message = format!("{verb} is public, and needs scopes");
                faults
                    .add(public.path.clone(), public.source, message)
                    .help("leave it out of `public`, or out of `scopes`");
            }
        }
        Some(Setting {
            value: Access::Guarded(access),
            path,
            source,
        })
    }

    /// The claim that names a caller's tenant.
    pub(super) fn tenant(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Setting<ClaimPath>> {
        let (value, path, source) = self.take(key)?;
        if !matches!(value.kind, ValueKind::Table(_)) {
            let message = format!("expected a table, found {}", describe(&value.kind));
            let found = faults.add(path, source, message);
            found
                .help("name the claim of a token that says its tenant: tenant = { claim = \"…\" }");
            return None;
        }
        let mut section = Self::open(value, path.clone(), faults)?;
        let claim = section.claim_path("claim", faults);
        if claim.is_none() && !faults.blame(&path.child("claim")) {
            faults
                .add(path.clone(), source, "`claim` is missing")
                .help("write claim = \"…\", that of a token which says its tenant");
        }
        section.close(faults);
        Some(Setting {
            value: claim?.value,
            path,
            source,
        })
    }

    /// Every key is a verb.
    fn scopes_of_verbs(self, faults: &mut Faults) -> BTreeMap<Verb, Vec<Scope>> {
        let verbs: Vec<_> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        let mut scopes = BTreeMap::new();
        for (word, value) in self.table {
            let path = self.path.child(word.clone());
            let source = source(&value);
            if let Ok(verb) = word.parse::<Verb>() {
                scopes.insert(verb, scopes_of(value.kind, &path, source, faults));
            } else {
                faults
                    .add(
                        path,
                        source,
                        format!("`{word}` is not a valid {}", noun("methods")),
                    )
                    .help(suggest(&word, &verbs));
            }
        }
        scopes
    }
}
