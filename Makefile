# The verbs of the project. Continuous integration types the same ones.
GO       ?= go
ARGS     ?=
FUZZTIME ?= 10s
COMMIT   ?= $(shell sh .tools/commit.sh)

# What is tested and run is built like what ships: without HTTP/2, which neither
# service's SDK speaks (0.6 MB less), and without C, so that it is static.
TAGS   = nethttpomithttp2
BUILD  = -trimpath -buildvcs=false -tags $(TAGS)
STATIC = CGO_ENABLED=0
TOOL   = $(GO) tool -modfile=.tools/go.mod

RACING = CGO_ENABLED=1 $(GO) test -tags $(TAGS) -race -shuffle=on -timeout 20m ./...

# Folders that begin with a dot are found by name only, and their modules would
# take ours for a package of the standard library.
FUMPT   = $(TOOL) gofumpt -modpath backup-statistics
FOLDERS = . .bench .checks .clients .tools

.PHONY: help run test check lint race matrix fuzz golden schemas engines clients pages zones vuln package bench deploy clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' Makefile

run: ## play 90 days against stand-ins on loopback, no account needed; ARGS="-h" lists the flags
	@echo 'building backup-statistics with the SDKs that it calls: the first time a minute of CPU, from then on a second' >&2
	$(STATIC) $(GO) run $(BUILD) . local $(or $(ARGS),-days 90 -gap 23 -drop 9)

test: ## run the tests; they need no network
	$(STATIC) $(GO) test -tags $(TAGS) -shuffle=on ./...

check: lint ## all that continuous integration asks of the code
	$(MAKE) schemas RACE=yes
	$(MAKE) matrix fuzz package

lint: ## format, modules, vet, staticcheck, the tools' own tests
	@out=$$($(FUMPT) -d $(FOLDERS)) && test -z "$$out" || { echo "$$out"; echo 'lint: not formatted; to repair: $(FUMPT) -w $(FOLDERS)'; exit 1; }
	$(GO) mod tidy -diff
	$(GO) mod verify
	$(GO) -C .tools mod tidy -diff
	$(GO) -C .tools mod verify
	$(GO) -C .checks mod tidy -diff
	$(GO) -C .checks mod verify
	$(GO) -C .bench mod tidy -diff
	@! grep -vxFf go.sum .bench/go.sum || { echo 'lint: want each sum of .bench in go.sum, too: go mod verify knows no module that is replaced by a folder'; exit 1; }
	$(GO) vet -tags $(TAGS) ./... ./.clients/serve
	$(GO) vet -tags $(TAGS),function .
	$(GO) -C .tools vet ./...
	$(GO) -C .checks vet ./...
	$(GO) -C .bench vet -tags $(TAGS) ./...
	$(GO) -C .tools test ./...
	$(TOOL) staticcheck -tags $(TAGS) -checks inherit,ST1000,ST1020,ST1021,ST1022 ./...

race: ## run the tests under the race detector; it needs a C compiler
	$(RACING)

matrix: ## play every fault at every request of a run, once, twice and for ever, and print what happens
	@mkdir -p .local
	MATRIX="$$PWD/.local/matrix.txt" $(STATIC) $(GO) test -tags $(TAGS) -count=1 -timeout 20m ./handler/local -run '^TestBinary$$/^every_request_meets_every_fault$$'
	@cat .local/matrix.txt

fuzz: ## run each fuzz target for FUZZTIME=10s
	@GO='$(GO)' TAGS='$(TAGS)' FUZZTIME='$(FUZZTIME)' sh .tools/fuzz.sh

schemas: ## hold the golden documents, and all that the handler's tests write, against the schemas
	rm -rf .local/documents && mkdir -p .local/documents
	DOCUMENTS="$$PWD/.local/documents" $(if $(RACE),$(RACING) -count=1,$(STATIC) $(GO) test -tags $(TAGS) -count=1 ./handler)
	DOCUMENTS="$$PWD/.local/documents" $(GO) -C .checks test -count=1 ./...
	rm -rf .local/documents

engines: .engines/venv/ok .engines/jars ## let real engines read played buckets; it needs Python, a JDK (for Trino one of 25) and Maven
	GO='$(GO)' .engines/venv/bin/python -B .engines/run.py
	BUCKETS="$$PWD/.local/engines/long/backup-statistics:$$PWD/.local/engines/edges/backup-statistics" $(GO) -C .checks test -count=1 ./...

.engines/venv/ok: .engines/requirements.txt .engines/requirements-daft.txt
	python3 -m venv .engines/venv && .engines/venv/bin/python -m pip install -q -r $<
	.engines/venv/bin/python -m pip install -q --no-deps --upgrade --target .engines/daft -r .engines/requirements-daft.txt && touch $@

.engines/jars: .engines/pom.xml .engines/*/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies && touch $@

clients: .clients/venv/ok .clients/node_modules/ok .clients/jars/ok .engines/venv/ok ## let the vendor's libraries, and Spark through them, read a played bucket; it needs Python, Node, Java and Maven
	GO='$(GO)' TAGS='$(TAGS)' .clients/venv/bin/python -B .clients/run.py

.clients/venv/ok: .clients/requirements.txt .clients/requirements-oss2.txt
	python3 -m venv .clients/venv && .clients/venv/bin/python -m pip install -q -r .clients/requirements.txt
	.clients/venv/bin/python -m pip install -q --no-deps --upgrade --target .clients/oss2-2.19 -r .clients/requirements-oss2.txt && touch $@

.clients/node_modules/ok: .clients/package-lock.json
	npm --prefix .clients ci --silent --ignore-scripts --no-audit --no-fund && touch $@

.clients/jars/ok: .clients/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies && touch $@

pages: ## draw the page's variants in Chromium and check them; UPDATE=1 renews the README's pictures; it needs node and chromium
	rm -rf .local/pages && mkdir -p .local/pages .local/screenshots .page
	PAGES="$$PWD/.local/pages" $(GO) test -count=1 ./report -run TestPageVariants
	cd .ci/page && npm ci --silent && node check.mjs ../../.local/pages ../../.local/screenshots ../../.page

golden: ## rewrite the golden files; then read the diff
	$(STATIC) $(GO) test -tags $(TAGS) ./report ./handler -update

zones: ## renew the time zones from the newest tzdata of PyPI; it needs Python with pip, then read what it prints
	rm -rf .local/tzdata && python3 -m pip download -q --no-deps -d .local/tzdata tzdata
	$(GO) run .tools/zones/main.go .local/tzdata/tzdata-*.whl report/zones/zones.bin

vuln: package ## look for known vulnerabilities in the package and its source; VULNDB=https://vuln.go.dev, or a folder
	@db=$${VULNDB:-https://vuln.go.dev}; case $$db in *://* | /*) ;; *) db="$(CURDIR)/$$db" ;; esac; \
	$(GO) -C .tools run ./vuln -tags $(TAGS) -tags $(TAGS),function "$$db" "$(CURDIR)" "$(CURDIR)/dist/main"

# What ships leaves out the stand-ins (tag function: 0.8 MB), and does not inline what
# runs once or never (0.2 MB). The runtime, encoding/json, TLS, HTTP and our own code, in
# which a cold start spends its time, stay as they are: inlined, they take 4 of its 38
# million instructions less.
COLD  = github.com/... golang.org/... gopkg.in/... compress/... embed encoding/asn1 encoding/gob encoding/pem encoding/xml flag html log/... math/big mime/... regexp/... testing text/...
SHIPS = -trimpath -buildvcs=false -tags $(TAGS),function $(COLD:%=-gcflags=%=-l) -ldflags='-s -w -funcalign=16 -X backup-statistics/handler/entry.commit=$(COMMIT)'

# Not a file target: the zip also changes with the flags and the version of Go, and
# the build cache makes a second build cheap.
package: ## build dist/function.zip, its bill of materials and licences; one commit gives equal bytes
	@mkdir -p dist
	$(STATIC) GOOS=linux GOARCH=amd64 GOAMD64=v1 $(GO) build $(SHIPS) -o dist/main .
	@$(GO) run .tools/zip/main.go -max-binary 10000000 -max-zip 4200000 dist/main dist/function.zip
	@$(GO) -C .tools run ./sbom -go '$(GO)' "$$PWD" "$$PWD/dist/main"

bench: package .engines/venv/ok ## measure the packaged function over TLS, and the SQL that ships: cold starts, years, rebuilds, fleets, the feed; it fails where a wanted figure is missed
	$(STATIC) $(GO) -C .bench build $(BUILD) -ldflags='-s -w' -o ../dist/minimal ./minimal
	$(STATIC) $(GO) -C .bench build $(BUILD) -ldflags='-s -w' -o ../dist/plain ./plain
	$(STATIC) $(GO) -C .bench build -tags $(TAGS) -o ../dist/bench .
	$(STATIC) $(GO) build $(BUILD) -o dist/local .
	@missed=; for verb in 'cold dist/main dist/minimal dist/plain' 'instructions dist/main dist/plain' 'years dist/main' \
		'rebuild dist/main' 'again dist/local' 'fleet dist/main' 'feed .engines/venv/bin/python'; do \
		dist/bench $$verb || missed="$$missed $${verb%% *}"; done; test -z "$$missed" || { echo "bench: missed:$$missed"; exit 1; }

deploy: ## build and deploy with Serverless Devs (npm install -g @serverless-devs/s)
	s deploy -y

clean: ## remove what package and run left: dist and .local
	rm -rf dist .local
