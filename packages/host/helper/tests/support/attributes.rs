//! Extended attributes, of links too.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let name = CString::new(name).unwrap();
    let (pointer, length) = (value.as_ptr().cast(), value.len());
    let returned = unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), pointer, length, 0) };
    assert_eq!(returned, 0, "{}", std::io::Error::last_os_error());
}

pub fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let name = CString::new(name).unwrap();
    let mut value = vec![0u8; 256];
    let (pointer, length) = (value.as_mut_ptr().cast(), value.len());
    let read = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), pointer, length) };
    let length = usize::try_from(read).ok()?;
    value.truncate(length);
    Some(value)
}
