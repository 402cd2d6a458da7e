//! The Unix socket in a data folder, for this user's other processes: no browser can open it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

/// Its name in the folder.
const NAME: &str = "socket";

/// Listens in `folder`, which must be locked.
///
/// The socket is made in a folder that only this user can enter, until only this user can open it.
/// Renaming it replaces the one that a killed process left there.
pub(super) fn listen(folder: &Path) -> io::Result<UnixListener> {
    let private = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(folder)?;
    let made = private.path().join(NAME);
    let listener = UnixListener::bind(ShortPath::new(&made)?.as_path())?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    fs::rename(&made, folder.join(NAME))?;
    Ok(listener)
}

pub(super) fn remove(folder: &Path) {
    // What is left is replaced by the next that listens.
    let _ = fs::remove_file(folder.join(NAME));
}

/// The socket of another process in `folder`.
#[derive(Debug)]
pub(super) struct Remote(ShortPath);

impl Remote {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        ShortPath::new(&folder.join(NAME)).map(Self)
    }

    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.0.as_path()).await
    }
}

/// A path that a socket's address can hold, which is 107 bytes on Linux and 103 on macOS: the path
/// itself, or one that leads to the same place through a symbolic link in the system's folder for
/// temporary files.
#[derive(Debug)]
struct ShortPath {
    path: PathBuf,
    /// Where the link is, for as long as it is needed.
    _link: Option<TempDir>,
}

impl ShortPath {
    fn new(path: &Path) -> io::Result<Self> {
        if SocketAddr::from_pathname(path).is_ok() {
            return Ok(Self {
                path: path.to_owned(),
                _link: None,
            });
        }
        let folder = std::path::absolute(path.parent().unwrap_or(path))?;
        let link = TempDir::new()?;
        let short = link.path().join("data");
        symlink(folder, &short)?;
        Ok(Self {
            path: short.join(path.file_name().unwrap_or_default()),
            _link: Some(link),
        })
    }

    fn as_path(&self) -> &Path {
        &self.path
    }
}
