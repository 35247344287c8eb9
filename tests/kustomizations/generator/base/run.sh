#!/bin/sh
# Writes the export.
export-data --all
status=$?
wget -qO- --post-data= http://localhost:9091/quitquitquit
exit $status
