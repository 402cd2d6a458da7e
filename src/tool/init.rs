//! `modulo init`: a project's files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::arguments::LanguageArgs;
use super::modules_file::head;
use super::new::NewModule;
use crate::config::keys::{Language, SCHEMA_FILE, schema_text};
use crate::config::{ConfigError, FILE_NAME};
use crate::edge::serve::say;
use crate::module::name::{KeyAttribute, ModuleName, ServiceName, Stage};

/// The version of the npm package, which is the tool's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The module that a new project begins with, and the file of its JSON Schema.
const MODULE: &str = "courses";
const KEY: &str = "courseId";
const MODULE_SCHEMA: &str = "schemas/courses.json";

/// Begin a project: modules.toml, and what serves and deploys it
///
/// Writes the files that are missing, and leaves those that are there as they are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder; it is made if it is missing
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The service's name, from which the stack's and the function's are made [default: that of the folder]
    #[arg(long)]
    name: Option<ServiceName>,
    /// The stage that is deployed if a deployment names none
    #[arg(long, default_value = Stage::LOCAL)]
    stage: Stage,
    #[command(flatten)]
    language: LanguageArgs,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let folder = &self.folder;
        let cannot_write = || format!("cannot write to `{}`", folder.display());
        fs::create_dir_all(folder).with_context(cannot_write)?;
        let language = self.language.get();
        let name = match self.name {
            Some(name) => name,
            None => name_of(&folder.canonicalize().with_context(cannot_write)?),
        };
        let has_modules = folder.join(FILE_NAME).exists();
        let (mut written, mut kept) = (Vec::new(), Vec::new());
        for (path, text) in files(&name, &self.stage, language) {
            // It belongs to the module of a new modules.toml.
            if path == MODULE_SCHEMA && has_modules {
                continue;
            }
            let file = folder.join(path);
            if write_new(&file, &text)
                .with_context(|| format!("cannot write `{}`", file.display()))?
            {
                written.push(path);
            } else {
                kept.push(path);
            }
        }
        say(&report(folder, &written, &kept, language));
        Ok(())
    }
}

/// What helps where there is no configuration: only a person at a terminal can begin a project.
#[must_use]
pub fn help(error: &ConfigError) -> Option<&'static str> {
    match error {
        ConfigError::Read { file, source }
            if source.kind() == io::ErrorKind::NotFound && file == Path::new(FILE_NAME) =>
        {
            Some("`modulo init` begins a project in this folder, `modulo init FOLDER` in another")
        }
        _ => None,
    }
}

/// A service's name from that of a folder, as `rooms-2` from `/srv/2. Rooms 2`.
fn name_of(folder: &Path) -> ServiceName {
    /// That of a [`ServiceName`].
    const MAX_LENGTH: usize = 50;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_lowercase();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let name = &name[..name.len().min(MAX_LENGTH)];
    name.trim_end_matches('-').parse().unwrap_or_default()
}

/// A project's files, by their paths in its folder.
fn files(name: &ServiceName, stage: &Stage, language: Language) -> [(&'static str, String); 8] {
    let filled = |text: &str| {
        let text = text.replace("{{name}}", name.as_str());
        let text = text.replace("{{stage}}", stage.as_str());
        text.replace("{{version}}", VERSION)
    };
    let serverless = language.choose(
        include_str!("init/en/serverless.yml"),
        include_str!("init/pt-BR/serverless.yml"),
    );
    let compose = language.choose(
        include_str!("init/en/compose.yml"),
        include_str!("init/pt-BR/compose.yml"),
    );
    let readme = language.choose(
        include_str!("init/en/README.md"),
        include_str!("init/pt-BR/README.md"),
    );
    [
        (FILE_NAME, modules(name, language)),
        (SCHEMA_FILE, schema_text()),
        (MODULE_SCHEMA, include_str!("init/courses.json").to_owned()),
        ("package.json", filled(include_str!("init/package.json"))),
        ("serverless.yml", filled(serverless)),
        ("compose.yml", filled(compose)),
        (".gitignore", include_str!("init/gitignore").to_owned()),
        ("README.md", filled(readme)),
    ]
}

fn modules(name: &ServiceName, language: Language) -> String {
    let module: ModuleName = MODULE.parse().expect("it is a valid name");
    let key: KeyAttribute = KEY.parse().expect("it is a valid name");
    let module = NewModule {
        name: &module,
        key: Some(&key),
        sort_key: None,
        schema: Some(MODULE_SCHEMA),
        open: false,
    };
    format!("{}\n{}", head(name, language), module.block(language))
}

/// Writes a file, and says whether it did: one that is there stays.
fn write_new(file: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    match File::create_new(file) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// What was done, and what to do next.
fn report(folder: &Path, written: &[&str], kept: &[&str], language: Language) -> String {
    let mut lines = Vec::new();
    let is_here = folder == Path::new(".");
    if !written.is_empty() {
        lines.push(language.choose("Written:", "Escritos:").to_owned());
        lines.extend(written.iter().map(|path| format!("  {path}")));
    }
    if !kept.is_empty() {
        let title = language.choose(
            "There already, and left as they are:",
            "Já existiam, e ficam como estão:",
        );
        lines.push(title.to_owned());
        lines.extend(
            kept.iter()
                .map(|path| format!("  {path}{}", lacks(path, language))),
        );
    }
    lines.push(language.choose("\nNext:", "\nAgora:").to_owned());
    if !is_here {
        lines.push(format!("  cd {}", folder.display()));
    }
    let [install, serve, readme] = match language {
        Language::English => [
            "  npm install    gets modulo and what deploys it",
            "  npm run dev    serves the modules on this machine, as `modulo serve` does",
            "README.md says the rest.",
        ],
        Language::Portuguese => [
            "  npm install    instala o modulo e o que faz o deploy",
            "  npm run dev    serve os módulos nesta máquina, como `modulo serve`",
            "README.md diz o resto.",
        ],
    };
    lines.extend([install, serve, readme, ""].map(str::to_owned));
    lines.join("\n")
}

/// What a file that was there may lack.
fn lacks(path: &str, language: Language) -> String {
    let what = match path {
        "package.json" => format!("`npm install --save-dev modulo-rest@{VERSION} osls`"),
        ".gitignore" => {
            let entries: Vec<_> = include_str!("init/gitignore").lines().collect();
            entries.join(", ")
        }
        _ => return String::new(),
    };
    format!(": {} {what}", language.choose("it needs", "ele precisa de"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gets_a_valid_name_from_each_folder() {
        for (folder, name) in [
            ("/srv/rooms", "rooms"),
            ("/srv/2. Rooms_2", "rooms-2"),
            ("/srv/Sala Única", "sala-nica"),
            ("/srv/90", "modulo"),
            ("/", "modulo"),
        ] {
            assert_eq!(name_of(Path::new(folder)).as_str(), name, "{folder}");
        }
        let longest = format!("/{}-b", "a".repeat(49));
        assert_eq!(name_of(Path::new(&longest)).as_str(), "a".repeat(49));
    }

    #[test]
    fn both_languages_have_the_same_settings() {
        let settings = |language, name: &str| {
            let files = files(&ServiceName::default(), &Stage::default(), language);
            let (_, text) = files.into_iter().find(|(path, _)| *path == name).unwrap();
            let lines = text
                .lines()
                .map(|line| line.split('#').next().unwrap().trim_end());
            lines
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        };
        for name in [FILE_NAME, "serverless.yml", "compose.yml"] {
            let english = settings(Language::English, name);
            assert_ne!(english, "");
            assert_eq!(english, settings(Language::Portuguese, name), "{name}");
        }
    }
}
