//! The data folder, which one process at a time uses.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;

use super::socket::Remote;
use super::{LocalError, connector, settings};

/// A folder that is this process's until it is dropped. The kernel frees the lock of a process
/// that was killed.
#[derive(Debug)]
pub(super) struct Locked {
    folder: PathBuf,
    _lock: File,
}

impl Locked {
    /// Makes the folder if there is none; then only this user can enter it.
    pub(super) fn take(folder: &Path) -> Result<Self, LocalError> {
        let failed = |source| LocalError::Folder {
            folder: folder.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(failed)?;
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let lock = options.open(folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(LocalError::Locked {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.folder
    }
}

/// The SDK's settings for the engine of the process that has locked the folder.
///
/// # Errors
/// None listens there, which is so for a moment while the other opens its data: then the error's
/// kind is `NotFound` or `ConnectionRefused`. Or it is another user's.
pub async fn settings_of_other(folder: &Path) -> io::Result<SdkConfig> {
    let remote = Remote::new(folder)?;
    remote.connect().await?;
    Ok(settings::over(connector::over_socket(remote)).await)
}
