# SPDX-License-Identifier: Apache-2.0
#
#   make              build/switchboard
#   make check        floors, format, compile, unit tests: under a minute, no network
#   make test         everything, with ASan and UBSan; ends with "N passed, M failed"
#   make help         the rest
#
# MODE=release (build/), asan (build/asan/) or tsan (build/tsan/): every mode has a folder of its own.

MODE ?= release
CC := gcc
CLANG ?= clang
PREFIX ?= /usr/local
MAKEFLAGS += --no-builtin-rules
# V=1 shows the commands.
Q := $(if $(V),,@)
SHOW = $(if $(V),,@printf '%-8s%s\n' $(1) $@)
.SUFFIXES:
.DELETE_ON_ERROR:

PACKAGES := gio-2.0 gio-unix-2.0 glib-2.0 libmicrohttpd libcurl yaml-0.1 libpq jansson libsodium
PACKAGE_CFLAGS := $(patsubst -I%,-isystem%,$(filter-out -I/usr/include/%-linux-gnu,$(shell pkg-config --cflags $(PACKAGES))))
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wwrite-strings -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wcast-qual -Wimplicit-fallthrough -Wno-missing-field-initializers -Werror
HARDENING := -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -fPIE -fno-common
BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE= -g -pthread -Igateway $(PACKAGE_CFLAGS) $(WARNINGS) $(HARDENING)
BASE_LDFLAGS := -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

ifeq ($(MODE),release)
    B := build
    MODE_CFLAGS := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -Wlogical-op -Wduplicated-cond -Wnull-dereference
else ifeq ($(MODE),asan)
    B := build/asan
    MODE_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
    MODE_LDFLAGS := -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
    B := build/tsan
    MODE_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=thread
    MODE_LDFLAGS := -fsanitize=thread
    # Tells TSan what GLib's locks order.
    MODE_TEST_PARTS := $(B)/obj/tests/tsan/glib.o
else
    $(error MODE is release, asan or tsan, not $(MODE))
endif

# What is compiled: every file of these folders.
GATEWAY := $(sort $(wildcard gateway/*/*.c gateway/*/*/*.c))
ADAPTERS := $(sort $(wildcard adapters/*.c adapters/*/*.c))
PARTS := $(patsubst %.c,$(B)/obj/%.o,$(GATEWAY) $(ADAPTERS)) $(B)/obj/schema.o $(B)/obj/version.o
MAIN := $(patsubst %.c,$(B)/obj/%.o,$(wildcard gateway/main.c))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNIT_HELPERS := $(patsubst %.c,$(B)/obj/%.o,$(filter-out $(UNIT),$(wildcard tests/unit/*.c)))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT))
TSAN_PROGRAMS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(wildcard tests/unit/test_http_*.c tests/unit/test_intake*.c)))
FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ))
HEADERS := $(sort $(wildcard gateway/*/*.h gateway/*/*/*.h adapters/*/*.h))
C_FILES := $(GATEWAY) $(ADAPTERS) $(HEADERS) $(wildcard gateway/main.c tests/unit/*.[ch] tests/tsan/*.c tests/fuzz/*.[ch] bench/*.[ch])
SCHEMA := $(sort $(wildcard schema/tables/*.sql)) $(sort $(wildcard schema/functions/*.sql)) $(wildcard docs/openapi.json)

.PHONY: all unit units fuzzers check test asan tsan fuzz tidy format format-check floors bench js install uninstall clean help
all: $(B)/switchboard

$(B)/switchboard: $(MAIN) $(PARTS)
	$(call SHOW,LINK)
	$(Q)$(CC) $(BASE_LDFLAGS) $(MODE_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS) $(LIBS)

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SHOW,CC)
	$(Q)$(CC) $(BASE_CFLAGS) $(MODE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The schema and the API's description live inside the program. The stamps change only where the text does.
$(B)/obj/schema.o: $(B)/schema.c
	@mkdir -p $(@D)
	$(call SHOW,CC)
	$(Q)$(CC) $(BASE_CFLAGS) $(MODE_CFLAGS) $(CFLAGS) -c -o $@ $<
$(B)/schema.c: $(B)/schema.list $(SCHEMA) tools/embed gateway/store/schema.h
	$(call SHOW,EMBED)
	$(Q)tools/embed $(B) $(SCHEMA)
$(B)/obj/version.o: $(B)/version.c
	@mkdir -p $(@D)
	$(call SHOW,CC)
	$(Q)$(CC) $(BASE_CFLAGS) $(MODE_CFLAGS) $(CFLAGS) -c -o $@ $<
$(B)/schema.list: always
	@mkdir -p $(@D)
	@tools/unless-same $@ printf '%s\n' $(SCHEMA)
$(B)/version.c: always
	@mkdir -p $(@D)
	@tools/unless-same $@ tools/version
.PHONY: always

# Tests in C: a file test_x.c is a program, linked with all of the gateway but main; what else is there helps them.
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(UNIT_HELPERS) $(MODE_TEST_PARTS) $(PARTS)
	@mkdir -p $(@D)
	$(call SHOW,LINK)
	$(Q)$(CC) $(BASE_LDFLAGS) $(MODE_LDFLAGS) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS) $(LIBS)
units: $(UNIT_PROGRAMS)
tsan-programs: $(TSAN_PROGRAMS)
.PHONY: tsan-programs
unit: units
	tools/run-tests unit $(B)

# Fuzz targets are clang's, with objects of their own; gcc is the judge of warnings where the two differ over GLib's macros.
FUZZ_CFLAGS := -Wno-cast-qual -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_PARTS := $(patsubst $(B)/obj/%,build/fuzz/obj/%,$(PARTS))
build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call SHOW,CLANG)
	$(Q)$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
build/fuzz/obj/%.o: $(B)/%.c
	@mkdir -p $(@D)
	$(call SHOW,CLANG)
	$(Q)$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -c -o $@ $<
build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $(FUZZ_PARTS)
	$(call SHOW,LINK)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -Wl,--as-needed -pthread -o $@ $^ $(PACKAGE_LIBS)
fuzzers: $(FUZZ_PROGRAMS)
fuzz: fuzzers
	tools/run-tests fuzz build

floors:
	tools/floors
format:
	clang-format -i $(C_FILES)
format-check:
	clang-format --dry-run --Werror $(C_FILES)
check: floors format-check all unit

test:
	tools/run-tests all
asan:
	$(MAKE) MODE=asan all units
tsan:
	$(MAKE) MODE=tsan tsan-programs
	tools/run-tests tsan build/tsan
tidy:
	clang-tidy --quiet $(GATEWAY) $(ADAPTERS) $(wildcard gateway/main.c) -- -std=gnu17 -D_GNU_SOURCE= -Igateway $(PACKAGE_CFLAGS)
js: build/js/.stamp
node_modules/.stamp: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@
build/js/.stamp: node_modules/.stamp $(wildcard tsconfig*.json) $(shell find sandbox web tests/talk tests/web bench -name '*.ts' -o -name '*.css' -o -name '*.html' 2>/dev/null)
	npm run build
	@touch $@
bench: all js
	bench/run

# Where each file goes, as FOLDER/FILE:SOURCE.
DOC := share/doc/switchboard
INSTALLED := bin/switchboard:$(B)/switchboard lib/systemd/system/switchboard.service:config/switchboard.service \
    $(foreach file,config/switchboard.yaml docs/configuration.md docs/openapi.json README.md CHANGELOG.md LICENSE,$(DOC)/$(notdir $(file)):$(file))
install: all
	$(Q)set -e; for file in $(INSTALLED); do \
	    to=$(DESTDIR)$(PREFIX)/$${file%%:*}; echo "INSTALL $$to"; \
	    case $$to in */bin/*) mode=755 ;; *) mode=644 ;; esac; install -D -m $$mode "$${file#*:}" "$$to"; \
	done
uninstall:
	$(Q)for file in $(INSTALLED); do rm -f "$(DESTDIR)$(PREFIX)/$${file%%:*}"; done
	$(Q)-rmdir "$(DESTDIR)$(PREFIX)/$(DOC)"
clean:
	rm -rf build

help:
	@echo 'make              build/switchboard (MODE=asan and MODE=tsan build into folders of their own)'
	@echo 'make check        floors, format, compile, unit tests'
	@echo 'make test         all suites: unit, SQL, conversations, fuzz, threads; ends with the count'
	@echo 'make unit         the tests in C alone; MODE applies'
	@echo 'make asan         the program and its unit tests with ASan and UBSan'
	@echo 'make tsan         the concurrency tests with TSan'
	@echo 'make fuzz         every fuzz target for FUZZ_SECONDS (10) each'
	@echo 'make js           the TypeScript: web pages, sandbox, conversations'
	@echo 'make tidy         clang-tidy'
	@echo 'make format       clang-format, in place'
	@echo 'make bench        the benchmarks with their bars'
	@echo 'make install      program, systemd unit, documents into PREFIX ($(PREFIX)); DESTDIR applies'
	@echo 'make uninstall    removes them; configuration and data stay'
	@echo 'make clean        removes build/'

-include $(patsubst %.o,%.d,$(MAIN) $(PARTS) $(UNIT_HELPERS) $(patsubst tests/unit/%.c,$(B)/obj/tests/unit/%.o,$(UNIT)))
-include $(patsubst tests/fuzz/%.c,build/fuzz/obj/tests/fuzz/%.d,$(FUZZ)) $(patsubst %.o,%.d,$(FUZZ_PARTS))
.SECONDARY:
