# make train   a virtual environment, a corpus that needs no download, and a small model trained on it
# make test    a virtual environment, and the tests in it
# make lint    likewise, for style and types
# make stress  kills training 50 times, and three machines' 15, and compares with runs left alone
# make matrix  tries TensorFlow 2.16 to 2.21, each in a fresh environment; ROWS="2.16 2.21" chooses
# make fuzz    gives each reader of files and answers damaged ones, for a minute each
# make curves  draws the learning curves of RUNS="runs/a runs/b" as curves.png
# make tour    opens the notebook docs/tour.ipynb, which shows every stage by running it
# make clean   removes the virtual environment, the corpus and the run
#
# PYTHON=python3.12 chooses the interpreter (3.10 to 3.13), VENV=DIR the environment's place.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
CORPUS = data/python_docs
RUNS = runs/python_docs

.PHONY: train test matrix stress fuzz curves tour lint clean

train: $(VENV)/run.installed $(CORPUS)/ptb.test.txt
	$(BIN)/python ptb_word_lm.py --data_path=$(CORPUS) --model=small --save_path=runs/python_docs

test: $(VENV)/dev.installed
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal

matrix:
	$(PYTHON) tests/matrix.py $(ROWS)

stress: $(VENV)/dev.installed
	$(BIN)/python tests/stress.py
	$(BIN)/python tests/stress_cluster.py

fuzz: $(VENV)/dev.installed
	$(BIN)/python tests/fuzz.py

curves: $(VENV)/extras.installed
	$(BIN)/python curves.py $(RUNS:%=--run=%)

tour: $(VENV)/extras.installed
	$(BIN)/jupyter notebook $$([ $$(id -u) = 0 ] && echo --allow-root) docs/tour.ipynb

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(CORPUS) runs/python_docs

$(CORPUS)/ptb.test.txt: data/python_docs.py data/prepare_text.py | $(VENV)/run.installed
	$(BIN)/python data/python_docs.py $(CORPUS) --overwrite

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else \
	  "TensorFlow runs on Python 3.10 to 3.13, this is %d.%d: try make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements.txt | $(BIN)/python
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/dev.installed: requirements-dev.txt requirements.txt | $(BIN)/python
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(VENV)/extras.installed: requirements-extras.txt requirements.txt | $(BIN)/python
	$(PIP_INSTALL) -r requirements-extras.txt
	@touch $@
