delete from ledger_chart;
