# make test         format and lint check, types, tests (a process a core, at most four; fixtures are made once a file)
# make test-extras  what needs an index: what `pip install handkit` brings, the site, cameras with their vendors' packages
# make demo         a synthetic recording through the whole path, with the bundled networks
# Both make .venv first; it is installed again only when pyproject.toml or constraints.txt changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: test test-extras demo docs notebooks pictures format clean
.NOTPARALLEL:

test: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-extras: .venv/extras.stamp
	$(BIN)/pytest -m extra
	$(BIN)/pytest tests/sources tests/recordings

demo: .venv/core.stamp
	$(BIN)/handkit demo

format: .venv/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv demo docs/_build

# Some systems ship Python without ensurepip; the pip they do have can then install into the environment.
.venv/bin/pip:
	@echo "making .venv with $(PYTHON), then installing: about a minute"
	@$(PYTHON) -m venv .venv || { \
		$(PYTHON) -m venv --clear --without-pip .venv && \
		$(PYTHON) -m pip --python .venv/bin/python install --quiet pip; }

.venv/core.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	$(INSTALL) --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	$(INSTALL) --editable '.[dev]'
	@touch .venv/core.stamp $@

# All pictures of README and documentation.
pictures: .venv/docs.stamp
	$(BIN)/python docs/pictures.py --out docs

# The notebooks, with what they show: three minutes.
notebooks: .venv/docs.stamp
	$(BIN)/python docs/notebooks/execute.py docs/notebooks/*.ipynb

# The site, in docs/_build, with the page that runs in the browser (npm's packages); a warning is an error.
docs: .venv/docs.stamp
	$(BIN)/python docs/browser/build.py
	$(BIN)/sphinx-build -W --keep-going -q -b dirhtml docs docs/_build

.venv/docs.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	$(INSTALL) --editable '.[docs]'
	@touch $@

.venv/extras.stamp: .venv/dev.stamp
	$(INSTALL) --editable '.[docs,realsense,orbbec,oak,record3d,view,ray,tensorboard]' playwright
	@touch $@
