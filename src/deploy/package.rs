//! The function's package: the `bootstrap` binary, `modules.toml` and the files that it names, in
//! one zip.
//!
//! The same input gives the same bytes, so that a deployment can see that nothing changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::config::{Config, FILE_NAME};
use crate::deploy::feature::{MissingFeatures, Program};

/// The entry that the `provided` runtimes start.
const BOOTSTRAP: &str = "bootstrap";
const EXECUTABLE: u32 = 0o755;
const READABLE: u32 = 0o644;
const ELF_MAGIC: &[u8] = b"\x7fELF";
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file can't be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Neither a Linux binary nor a zip.
    #[error(
        "`{}` is neither a Linux binary nor a zip; give the `{program}` that was built for \
         Lambda, or the {program} zip of a release",
        file.display()
    )]
    NoBootstrap {
        /// The file.
        file: PathBuf,
        /// What it is to be.
        program: Program,
    },
    /// Another program, as a Linux binary or in a zip.
    #[error(
        "`{}` is another program than modulo's `{program}`; give the `{program}` that was built \
         for Lambda, or the {program} zip of a release",
        file.display()
    )]
    OtherProgram {
        /// The file.
        file: PathBuf,
        /// What it is to be.
        program: Program,
    },
    /// A zip without the binary, or a damaged one.
    #[error("`{}` gives no `bootstrap`; use the {program} zip of a release", file.display())]
    Zip {
        /// The file.
        file: PathBuf,
        /// What it is to have in it.
        program: Program,
        /// What the zip reader says.
        source: ZipError,
    },
    /// A function that can't serve the modules.
    #[error("`{}` can't serve the modules", file.display())]
    MissingFeatures {
        /// The file.
        file: PathBuf,
        /// What it lacks.
        source: MissingFeatures,
    },
    /// The package can't be put together or written.
    #[error("cannot write `{}`", file.display())]
    Write {
        /// The package.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Whether [`write()`] had anything to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The package is new, or differs from the one that was there.
    New,
    /// The package that was there has the same bytes; it was left alone.
    Unchanged,
}

/// Puts `bootstrap`, which is this `program` as a Linux binary or a zip that has one, the file
/// `modules`, which is `config`, and the files that it names together into `output`.
///
/// # Errors
/// See [`PackageError`].
pub fn write(
    program: Program,
    bootstrap: &Path,
    modules: &Path,
    config: &Config,
    output: &Path,
) -> Result<Written, PackageError> {
    // By path, since modules may share one.
    let mut files = BTreeMap::new();
    for file in config.modules.files() {
        let content = file.read().map_err(|source| PackageError::Read {
            file: file.location(),
            source,
        })?;
        files.insert(file.path.as_str(), content);
    }
    let given = Given::read(bootstrap, program)?;
    if !program.is(&given.binary) {
        return Err(PackageError::OtherProgram {
            file: bootstrap.to_owned(),
            program,
        });
    }
    if let Some(source) = MissingFeatures::of_binary(program, config, &given.binary) {
        return Err(PackageError::MissingFeatures {
            file: bootstrap.to_owned(),
            source,
        });
    }
    let package = build(given, &read(modules)?, &files).map_err(|source| PackageError::Zip {
        file: bootstrap.to_owned(),
        program,
        source,
    })?;
    if fs::read(output).is_ok_and(|there| there == package) {
        return Ok(Written::Unchanged);
    }
    // Under another name first: whoever reads the package meanwhile finds a whole one.
    let unfinished = output.with_extension("zip.unfinished");
    fs::write(&unfinished, package)
        .and_then(|()| fs::rename(&unfinished, output))
        .map_err(|source| PackageError::Write {
            file: output.to_owned(),
            source,
        })?;
    Ok(Written::New)
}

/// What the `provided` runtimes start, out of either kind of file.
struct Given {
    binary: Vec<u8>,
    /// The zip that it was in.
    zip: Option<ZipArchive<Cursor<Vec<u8>>>>,
}

impl Given {
    fn read(bootstrap: &Path, program: Program) -> Result<Self, PackageError> {
        let content = read(bootstrap)?;
        if content.starts_with(ELF_MAGIC) {
            Ok(Self {
                binary: content,
                zip: None,
            })
        } else if content.starts_with(ZIP_MAGIC) {
            Self::of_zip(content).map_err(|source| PackageError::Zip {
                file: bootstrap.to_owned(),
                program,
                source,
            })
        } else {
            Err(PackageError::NoBootstrap {
                file: bootstrap.to_owned(),
                program,
            })
        }
    }

    fn of_zip(content: Vec<u8>) -> Result<Self, ZipError> {
        let mut zip = ZipArchive::new(Cursor::new(content))?;
        let mut binary = Vec::new();
        zip.by_name(BOOTSTRAP)?.read_to_end(&mut binary)?;
        Ok(Self {
            binary,
            zip: Some(zip),
        })
    }

    /// Adds it to a package. What its zip has deflated is copied, in a tenth of the time, unless the entry also
    /// says what made that zip.
    fn add_to(self, package: &mut ZipWriter<Cursor<Vec<u8>>>) -> Result<(), ZipError> {
        let mut zip = self.zip;
        if let Some(zip) = &mut zip {
            let entry = zip.by_name(BOOTSTRAP)?;
            if entry.compression() == CompressionMethod::Deflated
                && entry.comment().is_empty()
                && entry.extra_data_fields().next().is_none()
            {
                let time = DateTime::default();
                return package.raw_copy_file_touch(entry, time, Some(EXECUTABLE));
            }
        }
        add(package, BOOTSTRAP, EXECUTABLE, &self.binary)
    }
}

fn build(
    given: Given,
    modules: &[u8],
    files: &BTreeMap<&str, Vec<u8>>,
) -> Result<Vec<u8>, ZipError> {
    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    given.add_to(&mut package)?;
    add(&mut package, FILE_NAME, READABLE, modules)?;
    for (path, content) in files {
        add(&mut package, path, READABLE, content)?;
    }
    Ok(package.finish()?.into_inner())
}

/// Adds an entry with nothing in it that depends on when or where it is added.
fn add(
    package: &mut ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    mode: u32,
    content: &[u8],
) -> Result<(), ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(mode);
    package.start_file(name, options)?;
    package.write_all(content)?;
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, PackageError> {
    fs::read(file).map_err(|source| PackageError::Read {
        file: file.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::config;
    use crate::module::name::Stage;
    use crate::telemetry::chain::Chain;

    const BINARY: &[u8] =
        b"\x7fELF, modulo-program:bootstrap; modulo-feature:schemas; and the rest";

    fn folder() -> (TempDir, PathBuf, PathBuf, PathBuf) {
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let (bootstrap, modules, output) = (path("built"), path("mine.toml"), path("out.zip"));
        fs::write(&bootstrap, BINARY).expect("writable");
        fs::write(&modules, "[modules.rooms]\nkey = 'roomId'\n").expect("writable");
        (folder, bootstrap, modules, output)
    }

    fn pack(bootstrap: &Path, modules: &Path, output: &Path) -> Result<Written, PackageError> {
        pack_as(Program::Bootstrap, bootstrap, modules, output)
    }

    fn pack_as(
        program: Program,
        bootstrap: &Path,
        modules: &Path,
        output: &Path,
    ) -> Result<Written, PackageError> {
        let config = config::check(modules, &Stage::default(), []).expect("valid");
        write(program, bootstrap, modules, &config, output)
    }

    fn packed(output: &Path) -> String {
        let mut zip = ZipArchive::new(fs::File::open(output).expect("there")).expect("a zip");
        let entries: Vec<_> = (0..zip.len())
            .map(|at| {
                let entry = zip.by_index(at).expect("an entry");
                let mode = entry.unix_mode().expect("a mode");
                let time = entry.last_modified().expect("a time");
                format!("{mode:o} {time} {}", entry.name().expect("a name"))
            })
            .collect();
        entries.join("\n")
    }

    #[test]
    fn a_package_has_what_lambda_starts_and_what_it_reads() {
        let (_folder, bootstrap, modules, output) = folder();
        assert_eq!(
            pack(&bootstrap, &modules, &output).expect("written"),
            Written::New
        );
        insta::assert_snapshot!(packed(&output), @"
        100755 1980-01-01 00:00:00 bootstrap
        100644 1980-01-01 00:00:00 modules.toml
        ");
    }

    #[test]
    fn the_same_input_gives_the_same_bytes_from_a_binary_or_from_its_package() {
        let (folder, bootstrap, modules, output) = folder();
        pack(&bootstrap, &modules, &output).expect("written");
        assert_eq!(
            pack(&bootstrap, &modules, &output).expect("written"),
            Written::Unchanged
        );
        let again = folder.path().join("again.zip");
        pack(&output, &modules, &again).expect("written");
        assert_eq!(
            fs::read(&output).expect("there"),
            fs::read(&again).expect("there")
        );
        fs::write(&modules, "[modules.other]\nkey = 'id'\n").expect("writable");
        assert_eq!(
            pack(&bootstrap, &modules, &output).expect("written"),
            Written::New
        );
    }

    #[test]
    fn what_made_another_zip_does_not_show_in_a_package() {
        let (folder, bootstrap, modules, output) = folder();
        pack(&bootstrap, &modules, &output).expect("written");
        let options = SimpleFileOptions::default().into_full_options();
        let stored = options
            .clone()
            .compression_method(CompressionMethod::Stored);
        let commented = options.with_file_comment("of another");
        for options in [stored, commented] {
            let other = folder.path().join("other.zip");
            let mut zip = ZipWriter::new(fs::File::create(&other).expect("writable"));
            zip.start_file(BOOTSTRAP, options).expect("begun");
            zip.write_all(BINARY).expect("written");
            zip.finish().expect("finished");
            assert_eq!(
                pack(&other, &modules, &output).expect("written"),
                Written::Unchanged
            );
        }
    }

    #[test]
    fn schemas_are_packed_where_modules_toml_names_them_and_an_edit_makes_another_package() {
        let (folder, bootstrap, modules, output) = folder();
        fs::create_dir(folder.path().join("schemas")).expect("writable");
        let schema = folder.path().join("schemas/room.json");
        fs::write(&schema, "true").expect("writable");
        let text = "[defaults]\nschema = 'schemas/room.json'\n\
                    [modules.a]\nkey = 'id'\n[modules.b]\nkey = 'id'\n";
        fs::write(&modules, text).expect("writable");
        pack(&bootstrap, &modules, &output).expect("written");
        insta::assert_snapshot!(packed(&output), @"
        100755 1980-01-01 00:00:00 bootstrap
        100644 1980-01-01 00:00:00 modules.toml
        100644 1980-01-01 00:00:00 schemas/room.json
        ");
        for (edit, expected) in [("true", Written::Unchanged), ("{}", Written::New)] {
            fs::write(&schema, edit).expect("writable");
            assert_eq!(
                pack(&bootstrap, &modules, &output).expect("written"),
                expected
            );
        }
    }

    #[test]
    fn a_function_without_what_the_modules_need_is_refused() {
        let (_folder, bootstrap, modules, output) = folder();
        fs::write(
            &bootstrap,
            b"\x7fELF, modulo-program:bootstrap; and nothing else",
        )
        .expect("writable");
        pack(&bootstrap, &modules, &output).expect("written");
        fs::write(&modules, "[modules.a]\nkey = 'id'\nschema = {}\n").expect("writable");
        let error = pack(&bootstrap, &modules, &output).expect_err("refused");
        let message = Chain(&error).to_string();
        let message = message.replace(&bootstrap.display().to_string(), "built");
        insta::assert_snapshot!(message, @"`built` can't serve the modules: this function was built without `schemas`, which modules.toml needs; build it with `--no-default-features --features lambda,schemas`, or use the bootstrap zip of a release");
    }

    #[test]
    fn what_is_no_bootstrap_is_reported() {
        let (folder, _, modules, output) = folder();
        let refused = |program, content: &[u8]| {
            let file = folder.path().join("wrong");
            fs::write(&file, content).expect("writable");
            let error = pack_as(program, &file, &modules, &output).expect_err("refused");
            error
                .to_string()
                .replace(&file.display().to_string(), "wrong")
        };
        insta::assert_snapshot!(refused(Program::Bootstrap, b"\x7fELF of another program"), @"`wrong` is another program than modulo's `bootstrap`; give the `bootstrap` that was built for Lambda, or the bootstrap zip of a release");
        insta::assert_snapshot!(refused(Program::Bootstrap, b"#!/bin/sh"), @"`wrong` is neither a Linux binary nor a zip; give the `bootstrap` that was built for Lambda, or the bootstrap zip of a release");
        insta::assert_snapshot!(refused(Program::Bootstrap, b"PK\x03\x04, but then nothing"), @"`wrong` gives no `bootstrap`; use the bootstrap zip of a release");
        insta::assert_snapshot!(refused(Program::Changes, BINARY), @"`wrong` is another program than modulo's `changes`; give the `changes` that was built for Lambda, or the changes zip of a release");
        insta::assert_snapshot!(refused(Program::Changes, b"PK\x03\x04"), @"`wrong` gives no `bootstrap`; use the changes zip of a release");
        assert!(
            !output.exists(),
            "nothing is written where something is wrong"
        );
    }
}
