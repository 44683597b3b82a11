# A thin front of meson: `make help` lists the doors, README.md shows the way in.
BUILD ?= build
TIME ?= 60
FROM ?= ../shared/recordings

# Everything comes from Debian 12's own packages.
BUILD_PACKAGES = meson ninja-build gcc g++ pkg-config libmicrohttpd-dev libjansson-dev libsqlite3-dev \
	libcmocka-dev libcurl4-openssl-dev libfyaml-dev libnghttp2-dev libprotobuf-c-dev libyaml-dev \
	protobuf-c-compiler libre2-dev libgnutls28-dev python3
CHECK_PACKAGES = curl python3-grpcio python3-protobuf python3-kubernetes etcd-server

.PHONY: all deps check-deps check certify villains bench fuzz soak recordings clean help

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) >$(BUILD).setup.log 2>&1 || { cat $(BUILD).setup.log; exit 3; }
	@mv $(BUILD).setup.log $(BUILD)/setup.log

# Installs the packages named in WANT that are missing: as root, or by sudo where it asks no password.
define install
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' \
		|| echo $$p; done); \
	[ -z "$$missing" ] && exit 0; \
	command="apt-get install -y --no-install-recommends" ; \
	if [ "$$(id -u)" = 0 ]; then as=; \
	elif sudo -n true 2>/dev/null; then as=sudo; \
	else echo "These packages are missing; install them with:"; \
		echo "  sudo $$command" $$missing; exit 3; fi; \
	echo "Installing" $$missing; \
	$$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as $$command -qq $$missing >/dev/null
endef

deps:
	$(call install,$(BUILD_PACKAGES))

check-deps: deps
	$(call install,$(CHECK_PACKAGES))
	@python3 fixtures/clients/peers.py

check: all
	@python3 coverage/summary.py $(BUILD)

certify: all
	@$(BUILD)/dormouse certify --report $(BUILD)/report

villains: all
	@python3 conformance/villains/run.py $(BUILD)

bench: all
	@python3 fakeapi/bench.py $(BUILD)

fuzz:
	@python3 coverage/fuzz.py --time $(TIME)

# Power cuts behind every write and a byte flipped at every place; then 200 deaths under writers.
soak: all
	@$(BUILD)/fakeapi/store/test_durable --soak
	@python3 fakeapi/http/test_data.py $(BUILD)/dormouse 200

recordings: all
	@python3 fixtures/recordings/compact.py $(FROM)

clean:
	@rm -rf $(BUILD) $(BUILD)-*

help:
	@echo "make            build $(BUILD)/dormouse (installs missing Debian packages when it may)"
	@echo "make certify    certify the reference directory driver; reports in $(BUILD)/report/"
	@echo "make check      every test, offline, under a minute on two cores"
	@echo "make check-deps what the tests with foreign peers need (Python, etcd, Go and JavaScript clients)"
	@echo "make villains   every broken implementation must be caught; ends with the kill matrix"
	@echo "make bench      speed and memory, side by side with installed peers"
	@echo "make fuzz       TIME=60: each fuzz target for so many seconds (needs clang)"
	@echo "make soak       minutes of power cuts, damage and SIGKILL for serve --data"
	@echo "make recordings FROM=DIR: refresh fixtures/recordings/ from recorded exchanges"
	@echo "make clean      remove $(BUILD)/"
	@echo
	@echo "$(BUILD)/dormouse help says what the program itself can do."
