# SPDX-License-Identifier: BSD-2-Clause
# Tests and checks.  A unit test or fuzz target names what it is linked with in a comment at its top:
#
#     /* sources: kernel/lib/cpio.c kernel/lib/string.c */
#
# build/tests/NAME.asm.o among them is NAME.asm.
#
# Single parts: make test PART=unit|fuzz|guest|system|verify; the whole boot matrix: make test FULL=1.

UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
UNIT := $(UNIT_SRC:%.c=build/%)
FUZZ := $(FUZZ_SRC:%.c=build/%)

HOST_HEADERS := $(shell find include arch/$(ARCH)/include kernel fs loader grub efi drivers tests -name '*.h' 2>/dev/null)
HOST_SHIMS := $(wildcard tests/unit/host/*.c)
HOST_CFLAGS := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-strict-aliasing -Wall -Wextra \
               -Itests/unit/host/include -Iinclude -I. -Itests/unit
UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
THREAD_SANITIZE := -fsanitize=thread --param tsan-distinguish-volatile=1 -Wno-tsan -pthread
FUZZ_SANITIZE := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

.PHONY: unit fuzz
unit: $(UNIT) ## build the host unit tests
fuzz: $(FUZZ) ## build the fuzz targets

# What runs several threads is checked for races instead.
%_threads_test: UNIT_SANITIZE := $(THREAD_SANITIZE)

# Libraries that a test compares the kernel's code with.
build/tests/unit/kernel/lib/xchacha20_test build/tests/unit/kernel/lib/siphash_test: UNIT_LIBS := -lsodium
build/tests/unit/kernel/core/random_test: UNIT_LIBS := -lm

$(UNIT): build/%: %.c $(HOST_SHIMS) $(HOST_HEADERS)
	$(call say,UNIT,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(UNIT_SANITIZE) $(filter %.c %.asm.o,$^) -o $@ -lcmocka $(UNIT_LIBS) -z noexecstack

build/tests/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -w+all $< -o $@

$(FUZZ): build/%: %.c $(HOST_SHIMS) $(HOST_HEADERS)
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) $(FUZZ_SANITIZE) $(filter %.c,$^) -o $@

# Only these goals pay for reading the first lines of every test.
ifneq ($(filter unit fuzz build/tests/%,$(MAKECMDGOALS)),)
-include build/tests/sources.mk
endif
build/tests/sources.mk: $(UNIT_SRC) $(FUZZ_SRC)
	@mkdir -p $(@D)
	@awk 'FNR <= 5 && sub(/^.*sources:/, "") { sub(/\*\/.*/, ""); sub(/\.c$$/, "", FILENAME); \
		print "build/" FILENAME ":" $$0 }' $^ /dev/null > $@

.PHONY: test verify soak check bench
test: ## every test: unit, fuzz, in the guest, whole machine (FULL=1: the whole matrix; SAN=kasan|ubsan: on that build)
	@tools/deps
	@tools/test $(if $(filter 1,$(FULL)),--full) $(if $(PART),--part $(PART)) $(if $(SAN),--san $(SAN))

verify: ## what Spin and Frama-C prove: protocols and pure logic, each with a broken variant that must fail
	@tools/deps
	@tools/verify

# Not from the environment: SECONDS is a variable of shells.
SOAK_SECONDS = $(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)
soak: ## long loads, SECONDS=600 each (PART=load|allocators|model|attack|calls|rt: one of them)
	@tools/deps
	@tools/test --soak $(SOAK_SECONDS) $(if $(PART),--soak-part $(PART))

check: ## format, include direction, stand-alone headers, cppcheck, clang-tidy
	@tools/deps
	@$(PYTHON) tools/check/all

bench: ## what a boot and each operation cost, beside the aim and Linux (LINUX=/boot/vmlinuz-... measures it)
	@tools/deps
	@$(MAKE) --no-print-directory all img build/tests/bench/ops build/tests/bench/scale \
		build/tests/bench/host_alloc
	@$(PYTHON) tests/bench/boot
	@$(PYTHON) tests/bench/run
	@$(PYTHON) tests/bench/scaling
	@build/tests/bench/host_alloc

# The allocators as the kernel has them, built for the host and optimized as there.
HOST_ALLOC := kernel/mm/slab.c kernel/mm/slab_cache.c kernel/mm/kmalloc.c kernel/mm/pmm.c kernel/mm/frame_run.c \
              kernel/mm/pmm_stats.c kernel/mm/zone.c kernel/mm/frame_map.c kernel/mm/bit_tree.c kernel/lib/bitmap.c
build/tests/bench/host_alloc: tests/bench/host_alloc.c $(HOST_ALLOC) $(HOST_SHIMS) $(HOST_HEADERS)
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -O2 $(filter %.c,$^) -o $@

build/tests/bench/ops: tests/bench/ops_ipc.c tests/bench/ops_filter.c tests/bench/ops.h
build/tests/bench/ops build/tests/bench/scale: build/tests/bench/%: tests/bench/%.c $(UOUT)/libserix.a
	$(call say,USER,bench/$*)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(UCFLAGS) -pthread $(filter %.c,$^) $(filter %.a,$^) -o $@

.PHONY: check-headers
# Each header must compile alone.  One compiler run a header, no output.
HEADERS := $(sort $(shell find include arch/$(ARCH) kernel fs drivers loader grub -name '*.h' 2>/dev/null))
check-headers: $(HEADERS:%=build/check/%.ok)
build/check/%.ok: %
	@mkdir -p $(@D)
	$(Q)$(KCC) $(KCFLAGS) -Wno-unused -fsyntax-only -x c -include $< /dev/null
	@touch $@

# tests/calls: each file a program of cases, built with either C library for Linux and for Serix.
CALLS := $(filter-out calls,$(patsubst tests/calls/%.c,%,$(wildcard tests/calls/*.c)))
CALLS_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -Wno-unused-result -Wno-stringop-overflow -Wno-stringop-overread -static -Itests/calls -Iinclude
calls: $(foreach libc,musl glibc,$(CALLS:%=build/tests/calls/$(libc)/%)) ## build the programs that compare calls

$(CALLS:%=build/tests/calls/musl/%): CALLS_CC := musl-gcc
$(CALLS:%=build/tests/calls/glibc/%): CALLS_CC := $(HOSTCC)
build/tests/calls/%: tests/calls/calls.c $(wildcard tests/calls/*.h) $(wildcard user/tests/*_calls.h)
	$(call say,USER,calls/$*)
	@mkdir -p $(@D)
	$(Q)$(CALLS_CC) $(CALLS_CFLAGS) -o $@ tests/calls/$(@F).c tests/calls/calls.c -lpthread -lrt
$(foreach libc,musl glibc,$(foreach c,$(CALLS),$(eval build/tests/calls/$(libc)/$(c): tests/calls/$(c).c)))
.PHONY: calls

# Programs for tests/system/debian by Debian's compilers, which lie in roots of their own and run here, with this
# machine's C library and linker.
GO_ROOT := $(CURDIR)/build/compilers/go/usr/lib/go-1.19
RUST_ROOT := $(CURDIR)/build/compilers/rust/usr
COMPILED := build/debian-programs/opt/go-program build/debian-programs/opt/rust-program
.PHONY: debian-programs
debian-programs: $(COMPILED) ## a Go and a Rust program for the guest (fetches Debian's compilers, 140 MB)

build/debian-programs/opt/go-program: tests/system/debian/programs/program.go
	@tools/mkrootfs build/compilers/go --packages golang-go
	$(call say,GO,$<)
	@mkdir -p $(@D)
	$(Q)env -i PATH=/usr/bin:/bin HOME=$(CURDIR)/build GOROOT=$(GO_ROOT) GOCACHE=$(CURDIR)/build/compilers/go-cache \
		GO111MODULE=off $(GO_ROOT)/bin/go build -ldflags '-s -w' -o $@ $<

build/debian-programs/opt/rust-program: tests/system/debian/programs/program.rs
	@tools/mkrootfs build/compilers/rust --packages rustc
	$(call say,RUST,$<)
	@mkdir -p $(@D)
	$(Q)env -i PATH=/usr/bin:/bin LD_LIBRARY_PATH=$(RUST_ROOT)/lib:$(RUST_ROOT)/lib/x86_64-linux-gnu \
		$(RUST_ROOT)/bin/rustc --sysroot $(RUST_ROOT) --edition 2021 -O -C strip=symbols -o $@ $<
