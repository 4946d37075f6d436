drop type access_new_event;
