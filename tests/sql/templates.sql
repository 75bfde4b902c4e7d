-- The templates of a channel are what its provider listed last; where signals go.
begin;
select plan (16);
\ir lib/out.sql

create function pg_temp.list (p_account bigint, p_channel bigint, p_names text[], p_langs text[], p_status text default 'APPROVED') returns void language sql as $$
    select replace_templates (p_account, p_channel, p_names, p_langs, array_fill ('7'::text, array[cardinality (p_names)]),
                              array_fill (p_status, array[cardinality (p_names)]), array_fill (null::text, array[cardinality (p_names)]),
                              array_fill ('[{"type": "BODY", "text": "Hi"}]'::jsonb, array[cardinality (p_names)]), pg_temp.t0 ())
$$;
create function pg_temp.shown (p_account bigint) returns jsonb language sql as $$ select body::jsonb from api_templates (p_account, 'sms') $$;
create function pg_temp.names (p_account bigint) returns text language sql as $$
    select string_agg (concat_ws ('/', j ->> 'name', j ->> 'lang'), ' ') from jsonb_array_elements (pg_temp.shown (p_account) -> 'data') j
$$;

select is (pg_temp.shown (:acme), '{"data": [], "fetched_at": null}', 'at first none are known');
select pg_temp.list (:acme, :sms, '{welcome,order,order}', '{en,en,de}');
select is (pg_temp.names (:acme), 'order/de order/en welcome/en', 'all that the provider lists are there, by name and language');
select is (pg_temp.shown (:acme) -> 'data' -> 0, '{"name": "order", "lang": "de", "status": "APPROVED", "category": null, "external_id": "7",
           "components": [{"type": "BODY", "text": "Hi"}]}', 'as it describes them');
select is (pg_temp.shown (:acme) ->> 'fetched_at', '2026-03-02T10:00:00.000000Z', 'and since when');
select pg_temp.list (:acme, :other, '{elsewhere}', '{en}'), pg_temp.list (:globex, :gsms, '{theirs}', '{en}');
select is (pg_temp.names (:acme), 'order/de order/en welcome/en', 'each channel has its own');
select is (pg_temp.names (:globex), 'theirs/en', 'and each account');
select pg_temp.list (:acme, :sms, '{order,bye,bye}', '{en,en,en}', 'PAUSED');
select is (pg_temp.names (:acme), 'bye/en order/en', 'what is listed no more is gone, and nothing is there twice');
select is ((select array_agg (distinct status) from gateway.template where channel_id = :sms), '{PAUSED}', 'what has changed is as it is now');
select pg_temp.list (:acme, :sms, '{}', '{}');
select is (pg_temp.names (:acme), null, 'a provider that has none has none');
select throws_ok (format ('select api_templates (%s, %L)', :globex, 'other'), 'SB404', 'no such channel', 'another account''s channel is unknown');

-- Whose they are to list, and when again.
select from own_channels (md5 ('g1')::uuid, array[:acme, :acme], array[:sms, :other], '10 seconds');
select from own_channels (md5 ('g2')::uuid, array[:globex], array[:gsms], '10 seconds');
create function pg_temp.say (p_account bigint, p_channel bigint, p_topic text, p_at timestamptz) returns void language sql as $$
    insert into gateway.notice (account_id, notice_id, channel_id, topic, title, at) values (p_account, new_id (p_at), p_channel, p_topic, 'x', p_at)
$$;
create function pg_temp.heard () returns text language sql as $$
    select string_agg (c.slug || coalesce (' ' || (select n.title from gateway.notice n where n.notice_id = t.notice_id), ''), ', ' order by c.slug)
    from template_channels (md5 ('g1')::uuid, pg_temp.t0 ()) t join gateway.channel c using (channel_id)
$$;
select is (pg_temp.heard (), 'other, sms', 'a gateway lists those of the channels that it sends on');
select pg_temp.say (:acme, :sms, 'quality', pg_temp.t0 ()), pg_temp.say (:acme, :sms, 'template', pg_temp.t0 () - interval '2 hours'),
       pg_temp.say (:globex, :gsms, 'template', pg_temp.t0 ()) \gset
select is (pg_temp.heard (), 'other, sms', 'what is said of other things, of others'' templates or long ago says nothing of them');
select pg_temp.say (:acme, :sms, 'template', pg_temp.t0 () - interval '1 minute') \gset
select is (pg_temp.heard (), 'other, sms x', 'what is said of them now does');
select is ((select count (*) from template_channels (md5 ('g3')::uuid, pg_temp.t0 ())), 0::bigint, 'a gateway without channels lists none');

-- Signals.
select pg_temp.give ('in', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', pg_temp.t0 (), 'messages', jsonb_build_array (
    jsonb_build_object ('id', 'SM1', 'from', :ana, 'text', 'hello?', 'at', pg_temp.t0 ()), jsonb_build_object ('id', 'SM2', 'from', :ana, 'text', 'hello!', 'at', pg_temp.t0 ()))))) \gset
select ticket_id as ticket from gateway.message where external_id = 'SM2' \gset
select from pg_temp.send (:acme, :sms, :ana, 'answer');
select is ((select (channel, uri, external_id)::text from signal_target (:acme, :'ticket')), '(sms,' || :ana || ',SM2)', 'a signal is about what came in last');
select is_empty (format ('select * from signal_target (%s, %L)', :globex, :'ticket'), 'another account''s ticket is unknown');
select * from finish ();
rollback;
