# SPDX-License-Identifier: GPL-2.0-or-later
#
# sysscope: `sudo make run` builds and shows this machine; `sudo make test` runs every test.
# V=1 shows the commands. BUILD=, CLANG=, BPFTOOL=, CC= choose another build folder or tool.

BUILD   ?= build

# As many jobs as there are CPUs, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# `sudo make` by a user: what root made in that user's tree is the user's at the end, however that comes.
ifneq ($(and $(SUDO_UID),$(filter-out 0,$(SUDO_UID)),$(filter 0,$(shell id -u)),$(if $(GIVES_BACK),,yes)),)
GOALS := $(or $(MAKECMDGOALS),all)
.PHONY: $(GOALS)
.NOTPARALLEL:
$(GOALS):
	@trap : INT TERM HUP; $(MAKE) --no-print-directory GIVES_BACK=yes $@; status=$$?; scripts/give_back $(BUILD); exit $$status
else

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
REVISION := $(shell git --no-optional-locks describe --always --dirty 2>/dev/null || echo unknown)
# The time that what is made bears: of the last commit, so that who builds again gets the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git --no-optional-locks log -1 --format=%ct 2>/dev/null || date -r Makefile +%s)

# What `make deps` installs (`make run` calls it), from Debian's own packages.
PACKAGES := gcc make clang bpftool libbpf-dev libelf-dev zlib1g-dev libmicrohttpd-dev libncurses-dev \
	libjansson-dev libzstd-dev libyaml-dev libgnutls28-dev libcrypt-dev libsystemd-dev libcap-ng-dev libseccomp-dev uthash-dev pkg-config
TEST_PACKAGES := perl libcmocka-dev universal-ctags docker.io prometheus stress-ng clang-format busybox-static python3 curl tmux \
	linux-perf procps iproute2
# Tests that need one of these are skipped, and say so, where it cannot be had: guests, fuzzing, runqlat, the manual, other shells.
MORE_TEST_PACKAGES := qemu-system-x86 cpio zstd lz4 xz-utils crun runc lxc podman libvirt-daemon-system libvirt-daemon-driver-qemu \
	libclang-rt-14-dev libbpf-tools mandoc fish zsh debhelper chromium chromium-driver
# Real servers for the tests of event loops; who cannot be had is skipped.
SERVER_PACKAGES := nginx-light redis-server redis-tools nodejs apache2 php-fpm memcached haproxy postgresql golang-go wrk strace
# Further rows of docs/runtimes.md.
RUNTIME_PACKAGES := gunicorn uvicorn default-jdk-headless
ANALYZE_PACKAGES := clang-tidy clang-tools cppcheck shellcheck codespell
VM_PACKAGES := mmdebstrap e2fsprogs
# Whom `make bench` measures beside sysscope; it does without those that cannot be had.
BENCH_PACKAGES := python3 util-linux linux-perf libbpf-tools prometheus-process-exporter nginx-light wrk

V ?= 0
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

ARCH := $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/')
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

# So that who builds it in another folder gets the same bytes.
SAME_PATHS := -fdebug-prefix-map=$(CURDIR)=.

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wno-format-nonliteral -Wmissing-prototypes -Werror
CFLAGS   ?= -O2 -g -D_FORTIFY_SOURCE=2
LDFLAGS  ?= -Wl,-z,relro -Wl,-z,now
override CFLAGS += -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(SANITIZE) -fno-omit-frame-pointer -fstack-protector-strong \
	$(SAME_PATHS) \
	-DSYSSCOPE_VERSION='"$(VERSION)"' -DSYSSCOPE_REVISION='"$(REVISION)"'
CPPFLAGS += -I. -Iinclude -Iagent -I$(BPF_BUILD) -MMD -MP
PKGS     := libbpf libelf zlib libmicrohttpd ncursesw jansson libzstd yaml-0.1 gnutls libcrypt libsystemd libcap-ng libseccomp
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null || echo -lbpf -lelf -lz -lmicrohttpd -lncursesw -ltinfo -ljansson -lzstd -lyaml -lgnutls -lcrypt -lsystemd -lcap-ng -lseccomp) -lm -lpthread
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__bpf__ -D__TARGET_ARCH_$(ARCH) $(SAME_PATHS) -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-missing-declarations -Ivmlinux -Iinclude $(if $(MULTIARCH),-I/usr/include/$(MULTIARCH))

# Where the kernel half is built; the sanitizers' builds use the one that there is.
BPF_BUILD     ?= $(BUILD)
BPF_SOURCES   := $(wildcard bpf/*.bpf.c)
BPF_OBJECTS   := $(BPF_SOURCES:%.c=$(BPF_BUILD)/%.o)
AGENT_SOURCES := $(filter-out agent/main.c,$(wildcard agent/*.c agent/*/*.c agent/*/*/*.c exporters/*/*.c))
AGENT_OBJECTS := $(AGENT_SOURCES:%.c=$(BUILD)/%.o)
UNIT_TESTS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/golden/test_*.c))
KERNEL_TESTS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/kernel/*.c tests/bench/*.c))
TEST_OBJECTS  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))
PAGES_SOURCES := $(wildcard deploy/pages/*.c)
TOOLS         := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tools/*.c))
FORMATTED     := $(filter-out vmlinux/%,$(shell git ls-files '*.c' '*.h' 2>/dev/null))

.DELETE_ON_ERROR:

.PHONY: all run test check lint asan bench vm-test vm-docs vm-fetch install uninstall clean deps deps-test vmlinux-header docs help

all: $(BUILD)/sysscope $(BUILD)/share/pages features

help:
	@sed -n 's/^## //p' Makefile

## make              build build/sysscope
## sudo make deps    install what is needed to build; `sudo make deps-test`: what the tests need. Nothing else needs root to build
deps:
	$(Q)scripts/packages $(PACKAGES)
deps-test: deps
	$(Q)scripts/packages $(TEST_PACKAGES)
	$(Q)scripts/packages $(MORE_TEST_PACKAGES) || echo "going on without: the tests that need them are skipped"
	$(Q)scripts/packages $(SERVER_PACKAGES) || echo "going on without: the tests that need them are skipped"

## sudo make deps-analyze   install the tools of `make analyze`
deps-analyze:
	$(Q)scripts/packages $(ANALYZE_PACKAGES) || echo "going on without: a tool that is missing is skipped"

## sudo make run     install what is missing, build, start `sysscope top`
run: deps
	$(Q)$(MAKE) --no-print-directory $(BUILD)/sysscope
	$(Q)$(BUILD)/sysscope top

## sudo make test    install what is missing for the tests, run all of them
test: deps-test
	$(Q)$(MAKE) --no-print-directory $(BUILD)/sysscope tests
	$(Q)BUILD=$(BUILD) MAKE=$(MAKE) tests/run

## make check        the tests that need neither root nor a kernel
check: $(BUILD)/sysscope $(UNIT_TESTS)
	$(Q)BUILD=$(BUILD) MAKE=$(MAKE) tests/run unit golden

## sudo make scenarios   plays what `diagnose` is to find, for real (SCENARIO="throttled memory*": some; RECORD=1: for replays; JOBS=)
scenarios: $(BUILD)/sysscope $(BUILD)/tests/unit/test_scenarios
	$(Q)BUILD=$(BUILD) JOBS=$(or $(JOBS),4) RECORD=$(RECORD) EXPECT=$(EXPECT) tests/scenarios/run $(SCENARIO)

.PHONY: tests unit-tests scenarios
tests: $(BUILD)/sysscope $(BUILD)/share/pages unit-tests $(KERNEL_TESTS) $(TOOLS)
unit-tests: $(UNIT_TESTS)

# ---- packages --------------------------------------------------------------------------------------
.PHONY: bench-packages
bench-packages:
	$(Q)for p in $(BENCH_PACKAGES); do scripts/packages $$p || echo "goes on without $$p"; done

# ---- kernel half -----------------------------------------------------------------------------------
$(BPF_BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) $(wildcard include/sysscope/abi/*) include/sysscope/metrics.def vmlinux/vmlinux.h
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BPF_BUILD)/sysscope.bpf.o: $(BPF_OBJECTS)
	$(say) LINK $@
	$(Q)$(BPFTOOL) gen object $@ $^

$(BPF_BUILD)/sysscope.skel.h: $(BPF_BUILD)/sysscope.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name sysscope_bpf > $@

## make vmlinux-header   generate vmlinux/vmlinux.h again (needs a kernel with BTF; see vmlinux/README.md)
vmlinux-header:
	$(Q)CLANG=$(CLANG) BPFTOOL=$(BPFTOOL) BPF_CFLAGS='$(BPF_CFLAGS)' vmlinux/make-header

# ---- agent -----------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# The assembler puts these into it.
$(BUILD)/agent/serve/page_files.o: $(wildcard agent/serve/page/*)

# Whoever includes the skeleton has to wait for it once; afterwards the .d files know.
$(patsubst %.c,$(BUILD)/%.o,$(wildcard agent/kernel/*.c agent/sample/*.c)): | $(BPF_BUILD)/sysscope.skel.h

$(BUILD)/libsysscope.a: $(AGENT_OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && ar qcs $@ $^

$(BUILD)/sysscope: $(BUILD)/agent/main.o $(BUILD)/libsysscope.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What --version says, and the objects that say it: they are made again when it is another.
VERSION_SAID := $(VERSION) $(REVISION) $(SOURCE_DATE_EPOCH)
ifneq ($(file <$(BUILD)/version),$(VERSION_SAID))
.PHONY: $(BUILD)/version
endif
$(BUILD)/version:
	$(Q)mkdir -p $(@D) && echo '$(VERSION_SAID)' > $@
$(patsubst %.c,$(BUILD)/%.o,$(shell grep -lE 'SYSSCOPE_(VERSION|REVISION)|PAGE_DATE' agent/*.c agent/*/*.c agent/*/*/*.c exporters/*/*.c deploy/pages/*.c)): $(BUILD)/version

# The manual and what shells offer, from the tables of options.
$(BUILD)/deploy/pages/manual.o: CPPFLAGS += -DPAGE_DATE='"$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%F)"'
$(BUILD)/deploy/pages/pages: $(PAGES_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libsysscope.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/share/pages: $(BUILD)/deploy/pages/pages
	$(say) PAGES $(@D)
	$(Q)mkdir -p $(@D) && $< $(@D) && touch $@

# What tests share: tests/lib, of which each takes what it uses.
$(BUILD)/libtests.a: $(TEST_OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/tests/%: tests/%.c $(BUILD)/libtests.a $(BUILD)/libsysscope.a
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MF $@.d -o $@ $< $(BUILD)/libtests.a $(BUILD)/libsysscope.a $(if $(filter tests/unit/% tests/golden/%,$<),-lcmocka) $(LDLIBS)

.PHONY: features
features: $(BUILD)/sysscope
	@printf 'built    %s %s (%s)\n' '$(BUILD)/sysscope' '$(VERSION)' '$(REVISION)'
	@printf 'compiler %s; BPF %s\n' "$$($(CC) --version | head -n 1)" "$$($(CLANG) --version | head -n 1)"
	@for p in $(PKGS); do printf '%s %s  ' "$$p" "$$(pkg-config --modversion $$p 2>/dev/null || echo '?')"; done; echo
	@printf 'kernel   %s, type information %s\n' "$$(uname -r)" \
		"$$(test -r /sys/kernel/btf/vmlinux && echo there || echo 'missing: it will not run on this kernel')"

# ---- docs, checks ----------------------------------------------------------------------------------
## make docs         make docs/metrics.md and the rules in docs/diagnose.md again from their tables
docs: $(BUILD)/tests/tools/metrics_doc $(BUILD)/tests/tools/rules_doc
	$(Q)$(BUILD)/tests/tools/metrics_doc > docs/metrics.md
	$(Q){ sed '/^## Rules$$/q' docs/diagnose.md; $(BUILD)/tests/tools/rules_doc; } > $(BUILD)/diagnose.md
	$(Q)cp $(BUILD)/diagnose.md docs/diagnose.md

## make lint         rooms, names, documents, formatting, warnings as errors, kernel types in use against those of cached kernels
lint:
	$(Q)tests/lint $(FORMATTED)
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)tests/vm/btf_check -o $(BUILD)/sysscope.bpf.o

## make analyze      clang-tidy, cppcheck, scan-build, shellcheck, codespell: clean, but for exceptions that state their reason
analyze: deps-analyze $(BPF_BUILD)/sysscope.skel.h
	$(Q)BUILD=$(BUILD) MAKE=$(MAKE) CC=$(CC) CPPFLAGS='-I. -Iinclude -Iagent -I$(BPF_BUILD)' tests/analyze

## make coverage     lines of each room that the tests run, against its floor (GROUPS="unit golden kernel e2e": more tests, as root)
coverage: $(BPF_BUILD)/sysscope.skel.h
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage BPF_BUILD=$(BUILD) CFLAGS='-O0 -g' WARNINGS=-Wall \
		SANITIZE='--coverage -fprofile-update=atomic' $(BUILD)/coverage/sysscope \
		$(if $(filter-out unit golden,$(COVERAGE_GROUPS)),tests,unit-tests)
	$(Q)find $(BUILD)/coverage -name '*.gcda' -delete
	$(Q)BUILD=$(BUILD)/coverage MAKE=$(MAKE) tests/run $(COVERAGE_GROUPS)
	$(Q)BUILD=$(BUILD)/coverage tests/coverage

COVERAGE_GROUPS = $(or $(GROUPS),unit golden)
.PHONY: analyze coverage deps-analyze
## make asan         unit and golden tests and one `top --batch`, under ASan and UBSan
asan: $(BPF_BUILD)/sysscope.skel.h
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan BPF_BUILD=$(BUILD) CFLAGS='-O1 -g' WARNINGS=-Wall \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' $(BUILD)/asan/sysscope unit-tests
	$(Q)BUILD=$(BUILD)/asan tests/run unit golden asan

## make fuzz         each parser of what others wrote, under libFuzzer and ASan; SECONDS= for each, else a bounded run
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz: $(BPF_BUILD)/sysscope.skel.h
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD) fuzzers
	$(Q)BUILD=$(BUILD) tests/fuzz/run $(SECONDS)

.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS)
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(BUILD)/fuzz/libsysscope.a
	$(say) FUZZ $@
	$(Q)$(CLANG) $(CPPFLAGS) -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=address,fuzzer -MF $@.d -o $@ $< \
		$(BUILD)/fuzz/libsysscope.a $(LDLIBS)
.PHONY: $(BUILD)/fuzz/libsysscope.a
$(BUILD)/fuzz/libsysscope.a:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz BPF_BUILD=$(BUILD) CC=$(CLANG) CFLAGS='-O1 -g' WARNINGS=-Wall \
		SANITIZE='-fsanitize=address,fuzzer-no-link' $@

## sudo make soak SECONDS=   churn of processes, cgroups and containers; memory, descriptors, maps and series must stay flat
soak: all
	$(Q)BUILD=$(BUILD) SYSSCOPE=$(abspath $(BUILD))/sysscope tests/soak/run $(or $(SECONDS),60)

## sudo make soak-day   a day's churn in ten minutes: 100,000 short processes, 2,000 cgroups made and removed ten times
soak-day: $(BUILD)/sysscope $(BUILD)/tests/bench/launch $(BUILD)/tests/bench/sleepers
	$(Q)BUILD=$(BUILD) SYSSCOPE=$(abspath $(BUILD))/sysscope tests/soak/day

.PHONY: soak soak-day
## sudo make vm-test the kernel matrix: every kernel of tests/vm/kernels in QEMU, then dockerd, podman, nspawn, LXC, libvirt on one, and Incus
vm-test: deps-test
	$(Q)scripts/packages $(VM_PACKAGES)
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)BUILD=$(BUILD) VM_KERNELS=all tests/run vm runtimes

## make vm-docs      the same kernels, and docs/kernels.md written from what they said; KERNELS="6.1 6.12": these, the others later
vm-docs: all tests
	$(Q)BUILD=$(BUILD) VM_KERNELS="$(or $(KERNELS),all)" UPDATE_DOCS=1 tests/run vm

## make vm-fetch     takes the matrix's kernels from Debian's archives into the cache, without booting any
vm-fetch:
	$(Q)tests/vm/fetch $$(grep -v '^\#' tests/vm/kernels | awk '{print $$1}')

## sudo make runtimes compare docs/runtimes.md with what Node, Bun, PostgreSQL, Java and others do on this machine
runtimes: all deps-test
	$(Q)scripts/packages $(RUNTIME_PACKAGES)
	$(Q)BUILD=$(BUILD) tests/runtimes/run $(NAMES)
.PHONY: runtimes

## sudo make bench   what it costs, beside others, in one run (BENCH="sample idle": parts; CADVISOR=its binary); BENCH=scale:
##                  how it grows to 100,000 threads and 2,000 cgroups, beside cAdvisor, htop, atop and an older build (BASELINE=its binary)
BENCH_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
bench: deps bench-packages
	$(Q)$(MAKE) -s --no-print-directory $(BUILD)/sysscope $(BENCH_TOOLS)
	$(Q)BUILD=$(BUILD) BENCH="$(BENCH)" CADVISOR="$(CADVISOR)" BASELINE="$(BASELINE)" tests/bench/run

# ---- install ---------------------------------------------------------------------------------------
## make install      DESTDIR= PREFIX=
MANUAL = $(DESTDIR)$(PREFIX)/share/man/man8
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sysscope
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/sysscope.fish
ZSHDIR = $(PREFIX)/share/zsh/site-functions
ZSH_COMPLETION = $(DESTDIR)$(ZSHDIR)/_sysscope
UNITDIR = $(PREFIX)/lib/systemd/system
UNITS = $(DESTDIR)$(UNITDIR)
install: $(BUILD)/sysscope $(BUILD)/share/pages
	install -D -m 0755 $(BUILD)/sysscope $(DESTDIR)$(PREFIX)/sbin/sysscope
	install -d $(DESTDIR)$(PREFIX)/share/doc/sysscope/docs
	install -m 0644 *.md $(DESTDIR)$(PREFIX)/share/doc/sysscope
	install -m 0644 docs/*.* $(DESTDIR)$(PREFIX)/share/doc/sysscope/docs
	install -d $(UNITS)
	install -m 0644 deploy/systemd/sysscope.socket $(UNITS)
	sed 's|/usr/sbin/sysscope|$(PREFIX)/sbin/sysscope|' deploy/systemd/sysscope.service >$(UNITS)/sysscope.service
	chmod 0644 $(UNITS)/sysscope.service
	install -d $(MANUAL)
	install -m 0644 $(BUILD)/share/*.8 $(MANUAL)
	install -D -m 0644 $(BUILD)/share/sysscope.bash $(BASH_COMPLETION)
	install -D -m 0644 $(BUILD)/share/sysscope.fish $(FISH_COMPLETION)
	install -D -m 0644 $(BUILD)/share/_sysscope $(ZSH_COMPLETION)

uninstall:
	rm -f $(MANUAL)/sysscope.8 $(MANUAL)/sysscope-*.8 $(BASH_COMPLETION) $(FISH_COMPLETION) $(ZSH_COMPLETION)
	rm -f $(DESTDIR)$(PREFIX)/sbin/sysscope $(addprefix $(UNITS)/sysscope.,service socket)
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/sysscope

## make deb          a Debian package, build/deb/sysscope_VERSION_ARCH.deb, with its debug symbols beside it; DEB_VERSION=
.PHONY: deb
DEB_VERSION = $(VERSION)-1
deb: $(BUILD)/sysscope $(BUILD)/share/pages
	$(Q)deploy/debian/package $(BUILD) $(DEB_VERSION) $(shell dpkg --print-architecture 2>/dev/null)

## make image        a container image, build/image/sysscope-VERSION.tar, for `docker load`
.PHONY: image
image: $(BUILD)/sysscope
	$(Q)deploy/container/image $(BUILD) $(VERSION)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
endif
