//! The share of a processor that Lambda gives a function, by the kernel's control groups.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::unistd::Pid;

/// In µs. The processor's time that is left of a period is of no use in the next one.
const PERIOD: u32 = 20_000;

/// The memory with which a function has a whole processor, in MB.
const WHOLE: u32 = 1_769;

/// Where control groups are: of version 2, or of version 1, which some machines still have.
const UNIFIED: &str = "/sys/fs/cgroup";
const OF_PROCESSORS: &str = "/sys/fs/cgroup/cpu";

/// A share that a process has until this is dropped, which has to be after its end.
pub struct Share(PathBuf);

impl Share {
    /// Gives a process the share of a function with so much memory.
    pub fn give(process: Pid, megabytes: u32) -> Result<Self> {
        let quota = u64::from(megabytes) * u64::from(PERIOD) / u64::from(WHOLE);
        let is_unified = Path::new(UNIFIED).join("cgroup.controllers").exists();
        let root = Path::new(if is_unified { UNIFIED } else { OF_PROCESSORS });
        let group = root.join(format!("modulo-bench-{process}"));
        fs::create_dir(&group).with_context(|| {
            format!(
                "cannot make the control group {}: run the bench as root",
                group.display()
            )
        })?;
        let share = Self(group);
        if is_unified {
            share.write("cpu.max", &format!("{quota} {PERIOD}"))?;
        } else {
            share.write("cpu.cfs_period_us", &PERIOD.to_string())?;
            share.write("cpu.cfs_quota_us", &quota.to_string())?;
        }
        share.write("cgroup.procs", &process.to_string())?;
        let member = fs::read_to_string(share.0.join("cgroup.procs"))?;
        ensure!(
            member.trim() == process.to_string(),
            "{process} is not in its group"
        );
        Ok(share)
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.0.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}
