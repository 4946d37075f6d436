grant update, delete on access_auditevent, access_auditseal, access_sealedevent to jeongsan_app;

drop trigger audit_event_append_only on access_auditevent;
drop trigger audit_event_no_truncate on access_auditevent;
drop trigger audit_seal_append_only on access_auditseal;
drop trigger audit_seal_no_truncate on access_auditseal;
drop trigger sealed_event_append_only on access_sealedevent;
drop trigger sealed_event_no_truncate on access_sealedevent;

drop function access_refuse_change();
