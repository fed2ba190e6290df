// SPDX-License-Identifier: BSD-2-Clause

// Go's runtime on the kernel's threads, futexes, timers, signals, epoll and memory.  The argument names a part;
// what it prints is the same on every run.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const long = time.Minute // for what must come, however busy the machine

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func goroutines() {
	var group sync.WaitGroup
	var lock sync.Mutex
	var sum, atomically int64
	squares := make(chan int, 10)
	for i := 1; i <= 1000; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for n := 0; n < 100; n++ {
				lock.Lock()
				sum += int64(i)
				lock.Unlock()
				atomic.AddInt64(&atomically, int64(i))
				if n%10 == 0 {
					runtime.Gosched()
				}
			}
			squares <- i * i
		}(i)
	}
	go func() { group.Wait(); close(squares) }()
	received := 0
	for square := range squares {
		received += square
	}
	fmt.Println("mutex", sum, "atomic", atomically, "channel", received)
	fmt.Println("the 300th prime", sieve(300))
	pingPong(20000)
}

// Each prime is a goroutine that lets through what it does not divide.
func sieve(count int) (prime int) {
	numbers := make(chan int)
	stop := make(chan bool)
	defer close(stop)
	pass := func(to chan<- int, n int) bool {
		select {
		case to <- n:
			return true
		case <-stop:
			return false
		}
	}
	go func(to chan<- int) {
		for n := 2; pass(to, n); n++ {
		}
	}(numbers)
	for ; count > 0; count-- {
		prime = <-numbers
		next := make(chan int)
		go func(from <-chan int, prime int) {
			for {
				select {
				case n := <-from:
					if n%prime != 0 && !pass(next, n) {
						return
					}
				case <-stop:
					return
				}
			}
		}(numbers, prime)
		numbers = next
	}
	return prime
}

// Two goroutines on threads of their own: each turn is a futex's wake-up.
func pingPong(turns int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		for n := range ping {
			pong <- n + 1
		}
		close(pong)
	}()
	runtime.LockOSThread()
	n := 0
	for i := 0; i < turns; i++ {
		ping <- n
		n = <-pong
	}
	close(ping)
	runtime.UnlockOSThread()
	fmt.Println("turns", n)
}

func timers() {
	start := time.Now()
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("after: not early:", time.Since(start) >= 20*time.Millisecond)
	case <-make(chan int):
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 10; i++ {
		<-ticker.C
	}
	ticker.Stop()
	fmt.Println("ten ticks: not early:", time.Since(start) >= 70*time.Millisecond)
	stopped := time.AfterFunc(long, func() { fmt.Println("never") })
	fmt.Println("stopped", stopped.Stop())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err())
	order := make(chan int, 100)
	for i := 99; i >= 0; i-- {
		go func(i int) { time.Sleep(time.Duration(i) * time.Millisecond); order <- i }(i)
	}
	sum := 0
	for i := 0; i < 100; i++ {
		sum += <-order
	}
	fmt.Println("sleepers", sum)
}

func children() {
	out, err := exec.Command("sh", "-c", "echo out; echo err >&2; exit 3").CombinedOutput()
	fmt.Printf("%q %v\n", out, err)
	cat := exec.Command("tr", "a-z", "A-Z")
	cat.Stdin, cat.Env, cat.Dir = strings.NewReader(strings.Repeat("text ", 40000)), []string{}, "/"
	out, err = cat.Output()
	fmt.Println(len(out), string(out[:9]), err)
	_, err = exec.Command("no-such-program").Output()
	fmt.Println(err, errors.Is(err, exec.ErrNotFound))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println("a child out of time:", exec.CommandContext(ctx, "sleep", "1000").Run())
	var group sync.WaitGroup
	var right int32
	for i := 0; i < 30; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			out, err := exec.Command("echo", fmt.Sprint(i)).Output()
			if err == nil && string(out) == fmt.Sprintln(i) {
				atomic.AddInt32(&right, 1)
			}
		}(i)
	}
	group.Wait()
	fmt.Println("side by side", right)
	parent := exec.Command("cat")
	parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := parent.StdinPipe()
	must(err)
	must(parent.Start())
	group2, err := syscall.Getpgid(parent.Process.Pid)
	fmt.Println("a group of its own", group2 == parent.Process.Pid, err)
	must(in.Close())
	fmt.Println(parent.Wait(), parent.ProcessState.ExitCode())
}

func echo(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			fmt.Println("accept ends:", errors.Is(err, net.ErrClosed))
			return
		}
		go func() {
			defer connection.Close()
			_, _ = io.Copy(connection, connection)
		}()
	}
}

// Each client sends its own text, shuts down its half and reads until the end.
func client(i int) bool {
	connection, err := net.Dial("unix", "socket")
	must(err)
	defer connection.Close()
	text := strings.Repeat(fmt.Sprintf("client %d ", i), 5000)
	go func() {
		_, err := io.WriteString(connection, text)
		must(err)
		must(connection.(*net.UnixConn).CloseWrite())
	}()
	back, err := io.ReadAll(connection)
	return err == nil && string(back) == text
}

func sockets() {
	listener, err := net.Listen("unix", "socket")
	must(err)
	ended := make(chan bool)
	go func() { echo(listener); close(ended) }()
	var group sync.WaitGroup
	var right int32
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			if client(i) {
				atomic.AddInt32(&right, 1)
			}
		}(i)
	}
	group.Wait()
	fmt.Println("clients", right)
	deadlines()
	must(listener.Close())
	<-ended
	_, err = os.Stat("socket")
	fmt.Println("socket removed", errors.Is(err, fs.ErrNotExist))
	_, err = net.Dial("unix", "socket")
	fmt.Println(err)
	datagrams()
}

func deadlines() {
	connection, err := net.Dial("unix", "socket")
	must(err)
	defer connection.Close()
	must(connection.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
	_, err = connection.Read(make([]byte, 1))
	var timeout net.Error
	fmt.Println("deadline", errors.As(err, &timeout) && timeout.Timeout())
	must(connection.SetReadDeadline(time.Time{}))
	done := make(chan error)
	go func() { _, err := connection.Read(make([]byte, 1)); done <- err }()
	must(connection.Close())
	fmt.Println("closed while it reads", errors.Is(<-done, net.ErrClosed))
}

func datagrams() {
	at := &net.UnixAddr{Name: "@serix-go", Net: "unixgram"}
	receiver, err := net.ListenUnixgram("unixgram", at)
	must(err)
	defer receiver.Close()
	sender, err := net.DialUnix("unixgram", nil, at)
	must(err)
	defer sender.Close()
	for i := 0; i < 3; i++ {
		_, err = fmt.Fprintf(sender, "datagram %d", i)
		must(err)
	}
	buffer := make([]byte, 100)
	for i := 0; i < 3; i++ {
		n, _, err := receiver.ReadFrom(buffer)
		fmt.Println(string(buffer[:n]), err)
	}
}

// A server of net/http on a socket: goroutines, epoll, deadlines and pipes between them.
func web() {
	listener, err := net.Listen("unix", "web")
	must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
	})}
	ended := make(chan error)
	go func() { ended <- server.Serve(listener) }()
	client := &http.Client{Timeout: long, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", "web")
		}}}
	answers := make(chan string)
	for i := 0; i < 40; i++ {
		go func(i int) {
			answer, err := client.Post(fmt.Sprintf("http://serix/%02d", i), "text/plain",
				strings.NewReader(strings.Repeat("x", i*1000)))
			must(err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			must(err)
			answers <- fmt.Sprint(answer.StatusCode, " ", string(text))
		}(i)
	}
	var all []string
	for i := 0; i < 40; i++ {
		all = append(all, <-answers)
	}
	sort.Strings(all)
	fmt.Println(len(all), all[0], all[39])
	must(server.Shutdown(context.Background()))
	fmt.Println(<-ended)
}

func signals() {
	coming := make(chan os.Signal, 10)
	signal.Notify(coming, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGHUP)
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGHUP} {
		must(syscall.Kill(os.Getpid(), s))
		fmt.Println(<-coming)
	}
	must(exec.Command("kill", "-USR1", fmt.Sprint(os.Getpid())).Run())
	fmt.Println("from a child:", <-coming)
	signal.Ignore(syscall.SIGUSR2)
	must(syscall.Kill(os.Getpid(), syscall.SIGUSR2))
	r, w, err := os.Pipe()
	must(err)
	must(r.Close())
	_, err = w.WriteString("x")
	fmt.Println("a pipe without a reader:", errors.Is(err, syscall.EPIPE))
	fmt.Println(fault(func() { var p *int; *p = 1 }))
	fmt.Println(fault(func() { zero := len(os.Args) - 2; fmt.Println(1 / zero) }))
	preempted()
	child := exec.Command(os.Args[0], "wait")
	must(child.Start())
	must(child.Process.Signal(syscall.SIGKILL))
	fmt.Println(child.Wait())
}

// What the processor refuses comes back as a panic.
func fault(f func()) (text string) {
	defer func() { text = fmt.Sprint("recovered: ", recover()) }()
	f()
	return
}

// A loop that calls nothing is interrupted by a signal (SIGURG) so that others get the only processor.
func preempted() {
	old := runtime.GOMAXPROCS(1)
	var stop int32
	go func() {
		time.Sleep(5 * time.Millisecond)
		atomic.StoreInt32(&stop, 1)
	}()
	n := 0
	for atomic.LoadInt32(&stop) == 0 {
		n++
	}
	runtime.GOMAXPROCS(old)
	fmt.Println("preempted", n > 0)
}

func files() {
	must(os.MkdirAll("a/b/c", 0o750))
	for i := 0; i < 100; i++ {
		must(os.WriteFile(fmt.Sprintf("a/b/%02d", i), []byte(strings.Repeat("line\n", i)), 0o640))
	}
	var count, bytes int64
	must(filepath.WalkDir("a", func(path string, entry fs.DirEntry, err error) error {
		info, _ := entry.Info()
		if info.Mode().IsRegular() {
			count, bytes = count+1, bytes+info.Size()
		}
		return err
	}))
	fmt.Println("files", count, "bytes", bytes)
	f, err := os.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	must(err)
	_, err = f.WriteAt([]byte("end"), 1<<20)
	must(err)
	must(f.Truncate(1<<20 + 2))
	at, err := f.Seek(-1, io.SeekEnd)
	fmt.Println(at, err)
	rest, err := io.ReadAll(f)
	fmt.Println(string(rest), err, f.Sync(), f.Close(), f.Close())
	must(os.Rename("f", "a/g"))
	must(os.Symlink("g", "a/link"))
	target, err := os.Readlink("a/link")
	info, _ := os.Stat("a/link")
	fmt.Println(target, err, info.Size(), info.Mode())
	must(os.Chmod("a/g", 0o711|os.ModeSetuid))
	must(os.Chtimes("a/g", time.Unix(1, 0), time.Unix(1e9, 123456789)))
	info, _ = os.Lstat("a/g")
	fmt.Println(info.Mode(), info.ModTime().UTC())
	_, err = os.ReadFile("none")
	fmt.Println(err)
	fmt.Println(os.Remove("a"))
	lines := bufio.NewScanner(strings.NewReader("one\ntwo\n"))
	for lines.Scan() {
		fmt.Println(lines.Text())
	}
	fmt.Println(os.RemoveAll("a"))
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func depth(n int) int {
	var ballast [64]int
	ballast[n%64] = n
	if n == 0 {
		return 0
	}
	return 1 + depth(n-1) + ballast[n%64] - n
}

func memory() {
	kept := tree(14)
	var group sync.WaitGroup
	var nodes int64
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := 0; n < 10; n++ {
				atomic.AddInt64(&nodes, int64(tree(12).count()))
			}
		}()
	}
	group.Wait()
	finalized := make(chan bool)
	runtime.SetFinalizer(tree(3), func(*node) { close(finalized) })
	for done := false; !done; {
		runtime.GC()
		select {
		case <-finalized:
			done = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("nodes", nodes, "kept", kept.count(), "collected", stats.NumGC > 1, stats.HeapReleased > 0)
	fmt.Println("depth of a stack", depth(100000))
	debug.SetMemoryLimit(64 << 20)
	sum := 0
	for i := 0; i < 200; i++ {
		block := make([]byte, 4<<20)
		block[i] = byte(i)
		sum += int(block[i])
	}
	fmt.Println("through a limit", sum)
}

func main() {
	runtime.GOMAXPROCS(4)
	parts := map[string]func(){
		"goroutines": goroutines, "timers": timers, "children": children, "sockets": sockets, "web": web,
		"signals": signals, "files": files, "memory": memory,
		"wait":  func() { time.Sleep(time.Hour) },
		"panic": func() { panic("on purpose") },
	}
	parts[os.Args[1]]()
}
