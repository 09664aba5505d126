// Of equal matches those in pages that answer questions come first, those in long tables last.
var Scorer = {
  score: ([page, , , , score]) =>
    score + (/^(questions|start|howto)/.test(page) ? 3 : /^(measurements|reference|results|command-line)/.test(page) ? -3 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
