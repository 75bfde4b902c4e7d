-- On tables that were empty when a plan was made, all indexes that begin with account_id cost the same, and the plan that is kept may be
-- the worst. So until message has grown and been analysed, whoever calls this has its queries planned anew each time; then one generic plan
-- serves (planning api_events costs ten times as much as reading one event). Callers say `set plan_cache_mode = force_generic_plan`, so that
-- the setting ends with their call.
create function plan_young () returns void language plpgsql stable as $$
begin
    if (select c.reltuples < 1000 from pg_class c where c.oid = 'gateway.message'::regclass) then
        perform set_config ('plan_cache_mode', 'force_custom_plan', true);
    end if;
end $$;
comment on function plan_young is 'keeps plans made on young tables from staying; no locks';
