//! How a process says that it does not use its parent's memory any more: it holds a robust futex there, which the kernel
//! marks as left behind when the process executes a program or ends, before it is given memory of its own.

use super::raw;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// `struct robust_list_head` of the kernel, with one futex in the list.
#[repr(C)]
pub struct Robust {
    first: *const Entry,
    offset: libc::c_long,
    pending: *const Entry,
    entry: Entry,
}

#[repr(C)]
struct Entry {
    next: *const Entry,
    word: AtomicU32,
}

const HEAD_BYTES: usize = std::mem::offset_of!(Robust, entry);

impl Robust {
    /// Nothing linked yet.
    pub fn new() -> Robust {
        Robust {
            first: std::ptr::null(),
            offset: std::mem::offset_of!(Entry, word) as libc::c_long,
            pending: std::ptr::null(),
            entry: Entry {
                next: std::ptr::null(),
                word: AtomicU32::new(0),
            },
        }
    }

    /// Links the list; from here on the structure may not move.
    pub fn link(&mut self) {
        self.first = &raw const self.entry;
        self.entry.next = std::ptr::from_ref(self).cast();
    }

    /// Where the kernel is to write the id of the process that holds the futex, before that runs.
    pub fn holder(&self) -> *mut u32 {
        self.entry.word.as_ptr()
    }

    /// Tells the kernel, in the process that holds the futex; answers an error number.
    pub fn declare(&self) -> i32 {
        let list = [std::ptr::from_ref(self) as usize, HEAD_BYTES, 0, 0, 0];
        // SAFETY: the kernel only notes the address.
        raw::error_of(unsafe { raw::call(libc::SYS_set_robust_list, list) })
    }

    /// The process that held it is done with this memory.
    pub fn left(&self) -> bool {
        self.entry.word.load(Ordering::Acquire) & libc::FUTEX_OWNER_DIED != 0
    }

    /// Waits until the process is done with this memory, or the time is over.
    pub fn wait(&self, limit: Duration) {
        let word = &self.entry.word;
        let seen = word.fetch_or(libc::FUTEX_WAITERS, Ordering::AcqRel);
        if seen & libc::FUTEX_OWNER_DIED != 0 {
            return;
        }
        let time = libc::timespec {
            tv_sec: limit.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(limit.subsec_nanos() as i32),
        };
        let expected = seen | libc::FUTEX_WAITERS;
        // SAFETY: word and time live across the call.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT,
                expected,
                &raw const time,
            )
        };
    }
}

/// Whether the kernel keeps robust lists: it complains about the length of this one, which it does not take.
pub fn supported() -> bool {
    // SAFETY: the kernel refuses the call.
    raw::error_of(unsafe { raw::call(libc::SYS_set_robust_list, [0; 5]) }) == libc::EINVAL
}
