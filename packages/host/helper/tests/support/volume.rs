//! A btrfs file system of the test's own, in a sparse file on a loop device.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use super::host::unique;

pub struct Volume {
    directory: PathBuf,
}

impl Volume {
    pub fn new() -> Volume {
        let directory = PathBuf::from(format!("/tmp/berth-volume-test-{}", unique()));
        fs::create_dir(&directory).unwrap();
        let volume = Volume { directory };
        fs::create_dir(volume.path()).unwrap();
        let image = volume.directory.join("image");
        File::create(&image).unwrap().set_len(1 << 30).unwrap();
        run(Command::new("mkfs.btrfs").arg("-q").arg(&image));
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(&image)
            .arg(volume.path()));
        volume
    }

    pub fn path(&self) -> PathBuf {
        self.directory.join("mount")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
