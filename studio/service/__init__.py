"""Every action of the studio, once: the page, the HTTP API and the command line all call `Studio`."""
