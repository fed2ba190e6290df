// SPDX-License-Identifier: BSD-2-Clause

//! Rust's standard library on glibc: threads, channels, children, sockets, files, panics.  The argument names
//! a part; what it prints is the same on every run.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::os::unix::fs::{symlink, FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

thread_local!(static OWN: Cell<u64> = Cell::new(0));

fn threads() {
    let sum = Arc::new((Mutex::new(0u64), AtomicU64::new(0), RwLock::new(BTreeMap::new())));
    let barrier = Arc::new(Barrier::new(40));
    let handles: Vec<_> = (0..40u64)
        .map(|i| {
            let (sum, barrier) = (Arc::clone(&sum), Arc::clone(&barrier));
            thread::spawn(move || {
                let leader = barrier.wait().is_leader();
                for _ in 0..1000 {
                    *sum.0.lock().unwrap() += i;
                    sum.1.fetch_add(i, Ordering::Relaxed);
                    OWN.with(|own| own.set(own.get() + i));
                }
                sum.2.write().unwrap().insert(i, OWN.with(Cell::get));
                leader
            })
        })
        .collect();
    let leaders = handles.into_iter().map(|h| h.join().unwrap()).filter(|&leads| leads).count();
    let own: u64 = sum.2.read().unwrap().values().sum();
    let (locked, atomic) = (*sum.0.lock().unwrap(), sum.1.load(Ordering::SeqCst));
    println!("mutex {} atomic {} own {} leaders {}", locked, atomic, own, leaders);
    condition();
    parked();
    let mut squares = vec![0u64; 64];
    thread::scope(|scope| {
        for (part, chunk) in squares.chunks_mut(8).enumerate() {
            scope.spawn(move || {
                for (i, square) in chunk.iter_mut().enumerate() {
                    *square = ((part * 8 + i) as u64).pow(2);
                }
            });
        }
    });
    println!("scoped {}", squares.iter().sum::<u64>());
    static ONCE: Once = Once::new();
    (0..4).for_each(|_| ONCE.call_once(|| println!("once")));
    println!("all processors {}", std::env::var("CPUS") == Ok(processors().to_string()));
}

/// A turn goes round three threads.
fn condition() {
    let turn = (Mutex::new(0u32), Condvar::new());
    thread::scope(|scope| {
        for me in 0..3 {
            let turn = &turn;
            scope.spawn(move || {
                for _ in 0..1000 {
                    let guard = turn.0.lock().unwrap();
                    *turn.1.wait_while(guard, |at| *at % 3 != me).unwrap() += 1;
                    turn.1.notify_all();
                }
            });
        }
    });
    let never = turn.1.wait_timeout(turn.0.lock().unwrap(), Duration::from_millis(10)).unwrap();
    println!("turns {} timed out {}", *never.0, never.1.timed_out());
}

fn parked() {
    let ready = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&ready);
    let sleeper = thread::Builder::new().name("sleeper".into()).stack_size(1 << 20).spawn(move || {
        while seen.load(Ordering::Acquire) == 0 {
            thread::park();
        }
        thread::current().name().map(str::to_owned)
    });
    let sleeper = sleeper.unwrap();
    ready.store(1, Ordering::Release);
    sleeper.thread().unpark();
    println!("{:?}", sleeper.join().unwrap());
}

fn channels() {
    let (sender, receiver) = mpsc::channel();
    for i in 0..100u64 {
        let sender = sender.clone();
        thread::spawn(move || (0..50).for_each(|n| sender.send(i * n).unwrap()));
    }
    drop(sender);
    println!("sum {}", receiver.iter().sum::<u64>());
    println!("after the last {:?}", receiver.recv());
    let (sender, receiver) = mpsc::sync_channel(0); // each send meets its receive
    let producer = thread::spawn(move || (0..2000).take_while(|&n| sender.send(n).is_ok()).count());
    println!("met {}", receiver.iter().take(1000).sum::<i32>());
    drop(receiver);
    println!("refused after {}", producer.join().unwrap());
    let (_kept, silent) = mpsc::channel::<()>();
    let start = Instant::now();
    let error = silent.recv_timeout(Duration::from_millis(30));
    println!("{:?}, early: {}", error, start.elapsed() < Duration::from_millis(30));
}

fn children() {
    let done = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output().unwrap();
    println!("{:?} {:?} {}", String::from_utf8(done.stdout), String::from_utf8(done.stderr), done.status);
    let mut upper = Command::new("tr");
    let mut upper = upper.args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = upper.stdin.take().unwrap();
    let writer = thread::spawn(move || input.write_all("text ".repeat(40000).as_bytes()));
    let mut text = String::new();
    upper.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    println!("{} {} {:?} {}", text.len(), &text[..4], writer.join().unwrap(), upper.wait().unwrap());
    println!("{}", Command::new("no-such-program").spawn().unwrap_err());
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    println!("{:?}", sleeper.try_wait().unwrap());
    sleeper.kill().unwrap();
    println!("{:?}", sleeper.wait().unwrap().signal());
    let env = Command::new("env").env_clear().env("ONLY", "this").current_dir("/").output().unwrap();
    println!("{:?}", String::from_utf8(env.stdout).unwrap());
    let sum: usize = thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|i| scope.spawn(move || echoed(i))).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    println!("side by side {}", sum);
    let failed = unsafe { Command::new("true").pre_exec(|| Err(io::Error::from_raw_os_error(5))).spawn() };
    println!("{}", failed.unwrap_err());
}

fn echoed(i: usize) -> usize {
    let out = Command::new("echo").arg(i.to_string()).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

fn sockets() {
    let listener = UnixListener::bind("socket").unwrap();
    let server = thread::spawn(move || {
        for stream in listener.incoming().take(20) {
            let stream = stream.unwrap();
            thread::spawn(move || io::copy(&mut &stream, &mut &stream).unwrap());
        }
    });
    let right = thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|i| scope.spawn(move || client(i))).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|&right| right).count()
    });
    server.join().unwrap();
    println!("clients {}", right);
    println!("{:?}", UnixStream::connect("socket").unwrap_err().kind());
    let (a, b) = UnixStream::pair().unwrap();
    a.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    println!("{:?} {:?}", a.read_timeout().unwrap(), (&a).read(&mut [0]).unwrap_err().kind());
    a.set_nonblocking(true).unwrap();
    println!("{:?}", (&a).read(&mut [0]).unwrap_err());
    (&b).write_all(b"one\ntwo\n").unwrap();
    drop(b);
    a.set_nonblocking(false).unwrap();
    println!("{:?}", BufReader::new(&a).lines().collect::<Result<Vec<_>, _>>());
    println!("{:?}", (&a).write(b"x").unwrap_err().kind());
    let (left, right) = (UnixDatagram::bind("left").unwrap(), UnixDatagram::unbound().unwrap());
    println!("{:?}", right.send_to(b"datagram", "left"));
    let mut buffer = [0; 4]; // shorter than what comes
    println!("{:?} {:?}", left.recv_from(&mut buffer), std::str::from_utf8(&buffer));
}

fn client(i: usize) -> bool {
    let stream = UnixStream::connect("socket").unwrap();
    let text = format!("client {} ", i).repeat(5000);
    let mut back = String::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(text.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        (&stream).read_to_string(&mut back).unwrap();
    });
    back == text
}

fn files() {
    fs::create_dir_all("a/b/c").unwrap();
    for i in 0..50 {
        fs::write(format!("a/b/{:02}", i), "line\n".repeat(i)).unwrap();
    }
    let mut names: Vec<_> = fs::read_dir("a/b").unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    println!("{} {:?} {:?}", names.len(), names[0], names[50]);
    let mut file = fs::OpenOptions::new().read(true).write(true).create_new(true).open("f").unwrap();
    file.write_all(b"0123456789").unwrap();
    file.write_at(b"end", 1 << 20).unwrap();
    file.set_len((1 << 20) + 2).unwrap();
    println!("{}", file.seek(SeekFrom::End(-2)).unwrap());
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    file.sync_all().unwrap();
    println!("{:?} {}", rest, file.metadata().unwrap().len());
    println!("{:?}", fs::OpenOptions::new().write(true).create_new(true).open("f").unwrap_err().kind());
    fs::set_permissions("f", fs::Permissions::from_mode(0o4640)).unwrap();
    fs::hard_link("f", "a/hard").unwrap();
    symlink("hard", "a/soft").unwrap();
    let (meta, link) = (fs::metadata("a/soft").unwrap(), fs::symlink_metadata("a/soft").unwrap().file_type());
    println!("{:o} {} {:?} {}", meta.mode(), meta.nlink(), fs::read_link("a/soft"), link.is_symlink());
    println!("{} {:?}", fs::copy("f", "g").unwrap(), fs::metadata("g").unwrap().permissions());
    fs::rename("g", "a/g").unwrap();
    println!("{:?}", fs::canonicalize("a/b/../soft").unwrap().file_name());
    println!("{} / {}", fs::read("none").unwrap_err(), fs::remove_dir("a").unwrap_err());
    fs::remove_dir_all("a").unwrap();
    println!("{:?}", fs::read_dir(".").unwrap().count());
}

fn time() {
    let (start, clock) = (Instant::now(), SystemTime::now());
    let mut last = start;
    let mut backwards = 0;
    for _ in 0..100000 {
        let now = Instant::now();
        backwards += u32::from(now < last);
        last = now;
    }
    println!("backwards {}", backwards);
    thread::sleep(Duration::from_millis(30));
    println!("slept {}", start.elapsed() >= Duration::from_millis(30));
    println!("clock {}", clock.elapsed().is_ok() && clock > SystemTime::UNIX_EPOCH);
}

fn panics() {
    let nothing: [u8; 0] = [];
    println!("{}", panic::catch_unwind(|| nothing[std::env::args().count()]).is_err());
    let error = thread::spawn(|| panic!("in a thread")).join().unwrap_err();
    println!("{:?}", error.downcast_ref::<&str>());
    let lock = Arc::new(Mutex::new(1));
    let held = Arc::clone(&lock);
    let holder = thread::spawn(move || {
        let _guard = held.lock().unwrap();
        panic!("with a lock")
    });
    println!("{}", holder.join().is_err());
    println!("poisoned {} {}", lock.is_poisoned(), lock.lock().unwrap_err().into_inner());
    let caught = (0..200).filter(|i| panic::catch_unwind(|| deep(i % 50)).is_err()).count();
    println!("unwound {}", caught);
    panic!("the last");
}

/// What unwinding drops on its way counts.
fn deep(n: u32) -> u32 {
    let kept = vec![n; 10];
    if n == 0 {
        panic::resume_unwind(Box::new(n))
    }
    deep(n - 1) + kept[5]
}

/// Runs into the guard page below its stack: the handler, on a stack of its own, says so.
#[allow(unconditional_recursion)]
fn overflow(n: u64) -> u64 {
    let used = [n; 100];
    let last = overflow(n + 1);
    last + unsafe { std::ptr::read_volatile(&used[50]) }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("threads") => threads(),
        Some("channels") => channels(),
        Some("children") => children(),
        Some("sockets") => sockets(),
        Some("files") => files(),
        Some("time") => time(),
        Some("panics") => panics(),
        Some("overflow") => println!("{}", overflow(0)),
        Some("abort") => std::process::abort(),
        _ => std::process::exit(2),
    }
}

fn processors() -> usize {
    thread::available_parallelism().unwrap().get()
}
