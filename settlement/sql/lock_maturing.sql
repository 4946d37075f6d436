-- Records of some partners whose settlement date has come, locked; those another worker has are passed over.
-- `first_day` bounds the walk through each partner's index to the days that are due.
select r.id from settlement_settlementrecord r
where r.partner_id = any(%(partners)s)
    and r.settlement_date between %(first_day)s and %(today)s
    and r.state = 'IN_PROCESS'
order by r.partner_id, r.settlement_date, r.id
limit %(chunk)s
for no key update of r skip locked
