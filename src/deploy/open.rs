//! Modules that are open to everybody: outside stage `local` they must say that they are meant to be.

use crate::config::Config;
use crate::module::Module;
use crate::module::few::few;
use crate::module::guard::Callers;
use crate::module::name::Stage;

/// What is to be done about it.
pub(super) const WAY_ON: &str = "name a guard, as in access = { guard = \"main\" }, or say \
    access = \"open\" if it is meant, in [modules.NAME] or in [defaults]";

/// A stage is not deployed, since modules are open to everybody and do not say so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stage `{stage}` is not deployed: modules are open to everybody and do not say so: {}; {WAY_ON}", few(.modules))]
pub struct UndeclaredOpen {
    stage: Stage,
    modules: Vec<String>,
}

impl UndeclaredOpen {
    /// Makes sure that each module of `config` has a guard or says `access = "open"`, unless `stage`
    /// is local. A guard's `public` says it as well.
    ///
    /// # Errors
    /// There are modules that do neither.
    pub fn check(config: &Config, stage: &Stage) -> Result<(), Self> {
        let modules: Vec<_> = undeclared(config, stage)
            .map(|module| module.name().to_string())
            .collect();
        if modules.is_empty() {
            return Ok(());
        }
        Err(Self {
            stage: stage.clone(),
            modules,
        })
    }
}

/// The modules that `stage` is not deployed with.
pub(super) fn undeclared<'c>(
    config: &'c Config,
    stage: &Stage,
) -> impl Iterator<Item = &'c Module> {
    let is_local = stage.is_local();
    let modules = config.modules.iter().map(AsRef::as_ref);
    modules.filter(move |module: &&Module| {
        let is_undeclared = Callers::Everybody { is_declared: false };
        !is_local && *module.callers() == is_undeclared
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const MODULES: &str = "
        [access.main]
        jwt = { issuer = 'i', audience = 'a', jwks = 'https://issuer.example.com/' }
        [modules.archive]
        key = 'id'
        [modules.news]
        key = 'id'
        access = { guard = 'main', public = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'LIST'] }
        [modules.rooms]
        key = 'id'
        [modules.shop]
        key = 'id'
        access = 'open'
    ";

    fn check(text: &str, stage: &str) -> Result<(), UndeclaredOpen> {
        let stage = stage.parse().expect("valid");
        let config = config::parse(text, "modules.toml".as_ref(), &stage, []).expect("valid");
        UndeclaredOpen::check(&config, &stage)
    }

    #[test]
    fn what_is_open_and_does_not_say_so_is_deployed_to_stage_local_only() {
        assert_eq!(check(MODULES, "local"), Ok(()));
        let refused = check(MODULES, "prod").expect_err("two are open");
        insta::assert_snapshot!(refused, @r#"stage `prod` is not deployed: modules are open to everybody and do not say so: archive, rooms; name a guard, as in access = { guard = "main" }, or say access = "open" if it is meant, in [modules.NAME] or in [defaults]"#);
        let declared = format!("[defaults]\naccess = 'open'\n{MODULES}");
        assert_eq!(check(&declared, "prod"), Ok(()));
        let guarded = format!("[service]\naccess = 'main'\n{MODULES}");
        assert_eq!(check(&guarded, "prod"), Ok(()));
    }
}
