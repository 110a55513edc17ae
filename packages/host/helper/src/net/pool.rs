//! Network namespaces made ahead, and which slot is whose. An empty pool costs time, nothing else.

use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::link::{self, Pair};
use super::namespace;
use super::netlink::Socket;
use super::subnet::{Addresses, Subnet};
use crate::error::{Code, Error, Result};
use crate::output;

/// Pause after a failure of the background filling.
const RETRY: Duration = Duration::from_secs(1);

/// What all boxes' networks share.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub interface_prefix: String,
    pub subnet: Subnet,
    pub mtu_bytes: u32,
    pub route_loopback: bool,
}

impl Plan {
    pub fn interface(&self, slot: u32) -> String {
        format!("{}-{slot}", self.interface_prefix)
    }
}

struct Ready {
    namespace: OwnedFd,
    slot: u32,
    outer_index: i32,
}

#[derive(Default)]
struct State {
    plan: Option<Arc<Plan>>,
    target: usize,
    ready: VecDeque<Ready>,
    /// Slots of boxes, of namespaces ready and of those under way.
    taken: HashSet<u32>,
    cursor: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wanted: Condvar,
}

#[derive(Clone, Default)]
pub struct Network(Arc<Shared>);

/// A namespace taken for one box. Dropped, it and its slot are free again, unless kept.
pub struct Lease {
    network: Network,
    namespace: OwnedFd,
    slot: u32,
    addresses: Addresses,
    kept: bool,
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what the namespaces look like and how many are kept ready; slots `in_use` are never given out.
    pub fn configure(&self, plan: Plan, ready: usize, in_use: &[u32]) {
        let mut state = self.lock();
        if state.plan.as_deref() != Some(&plan) {
            let stale: Vec<Ready> = state.ready.drain(..).collect();
            for one in stale {
                state.taken.remove(&one.slot);
            }
            state.plan = Some(Arc::new(plan));
        }
        state.taken.extend(in_use);
        state.target = ready;
        self.0.wanted.notify_all();
    }

    /// Forgets all: no namespace is ready, none is made.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// A namespace with its link, ready-made where there is one.
    pub fn take(&self) -> Result<Lease> {
        loop {
            let (plan, ready) = {
                let mut state = self.lock();
                let plan = state.plan.clone();
                let plan = plan.ok_or_else(|| {
                    Error::new(Code::NetworkNotReady, "networkSetup has not been done")
                })?;
                (plan, state.ready.pop_front())
            };
            let Some(ready) = ready else {
                let made = self.make(&plan)?;
                return Ok(self.lease(&plan, made));
            };
            let outer_index = ready.outer_index;
            let lease = self.lease(&plan, ready);
            // Somebody may have deleted the interface meanwhile.
            if Socket::open()?.interface_index(&plan.interface(lease.slot)) == Some(outer_index) {
                return Ok(lease);
            }
        }
    }

    /// The slot of a box that is gone may be given out again.
    pub fn release(&self, slot: u32) {
        let mut state = self.lock();
        if !state.ready.iter().any(|ready| ready.slot == slot) {
            state.taken.remove(&slot);
        }
    }

    fn lease(&self, plan: &Plan, ready: Ready) -> Lease {
        Lease {
            network: self.clone(),
            namespace: ready.namespace,
            slot: ready.slot,
            addresses: plan.subnet.addresses(ready.slot),
            kept: false,
        }
    }

    /// The next free slot, in turn: one just freed rests, for its interface takes a moment to go.
    fn reserve(&self, plan: &Plan) -> Result<u32> {
        let mut state = self.lock();
        let last = plan.subnet.last_slot();
        for _ in 0..last {
            state.cursor = if state.cursor >= last {
                1
            } else {
                state.cursor + 1
            };
            let slot = state.cursor;
            if state.taken.insert(slot) {
                return Ok(slot);
            }
        }
        Err(exhausted(plan))
    }

    fn make(&self, plan: &Plan) -> Result<Ready> {
        let last = plan.subnet.last_slot();
        for _ in 0..last {
            let slot = self.reserve(plan)?;
            let made = make_in_slot(plan, slot);
            if made.is_err() {
                self.release(slot);
            }
            match made {
                // A box of before that nobody has told of, or a namespace that is still on its way out.
                Err(error) if error.is_errno(libc::EEXIST) => continue,
                made => return made,
            }
        }
        Err(exhausted(plan))
    }

    /// Keeps the pool filled for ever; the body of the background thread.
    pub fn fill(&self) -> ! {
        loop {
            let plan = {
                let lacking =
                    |state: &mut State| state.plan.is_none() || state.ready.len() >= state.target;
                let wait = self.0.wanted.wait_while(self.lock(), lacking);
                wait.unwrap_or_else(PoisonError::into_inner).plan.clone()
            };
            let Some(plan) = plan else { continue };
            match self.make(&plan) {
                Ok(ready) => {
                    let mut state = self.lock();
                    if state.plan.as_deref() == Some(&*plan) {
                        state.ready.push_back(ready);
                    } else {
                        state.taken.remove(&ready.slot);
                    }
                }
                Err(error) => {
                    output::log("warn", &format!("network namespace: {error}"));
                    std::thread::sleep(RETRY);
                }
            }
        }
    }

    /// How many namespaces are ready.
    pub fn ready(&self) -> usize {
        self.lock().ready.len()
    }
}

fn exhausted(plan: &Plan) -> Error {
    let message = format!(
        "all {} slots of {} are taken",
        plan.subnet.last_slot(),
        plan.subnet
    );
    Error::new(Code::SlotsExhausted, message)
}

fn make_in_slot(plan: &Plan, slot: u32) -> Result<Ready> {
    let mut namespace = namespace::create()?;
    let pair = Pair {
        outer: &plan.interface(slot),
        addresses: plan.subnet.addresses(slot),
        mtu_bytes: plan.mtu_bytes,
        route_loopback: plan.route_loopback,
    };
    let outer_index = link::create_pair(&mut Socket::open()?, &mut namespace, &pair)?;
    Ok(Ready {
        namespace: namespace.fd,
        slot,
        outer_index,
    })
}

impl Lease {
    /// Path by which another process of this pid namespace reaches the network namespace, as long as the lease lives.
    pub fn namespace_path(&self) -> String {
        format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            self.namespace.as_raw_fd()
        )
    }

    /// The box has it now: its slot stays taken until [`Network::release`].
    pub fn keep(mut self) -> (u32, Addresses) {
        self.kept = true;
        (self.slot, self.addresses)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.kept {
            self.network.release(self.slot);
        }
        // Only now is the pool filled up: not in competition with the start that the lease was for.
        self.network.0.wanted.notify_all();
    }
}
