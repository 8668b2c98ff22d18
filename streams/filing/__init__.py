"""Filing confirmed reports with the CyberTipline, where an operator asks for it: off by default.

Nothing in Vigil calls this but `vigil report file`, which needs an address and credentials of its
own. `wire` speaks the reporting API's documented requests and answers, `journal` remembers what was
done across kills, `filer` is the order of it: nothing is lost, and nothing appears twice.
"""
