-- What agents do about people by hand: who is written to no more, who is again, who is blocked, and what of it an auditor reads.
begin;
select plan (47);
\ir lib/out.sql

create function pg_temp.out (p_account bigint, p_slug text, p_uri text, p_name text, p_key text default null) returns table (status int, body jsonb, replayed boolean)
language sql as $$
    select s.status, s.body::jsonb, s.replayed
    from post_opt_out (p_account, sha256 (convert_to (p_key, 'UTF8')), sha256 (convert_to (concat (p_slug, p_uri), 'UTF8')), pg_temp.id_of (p_name),
                       pg_temp.id_of ('contact of ' || p_name), p_slug, p_uri, pg_temp.t0 ()) s
$$;

-- Out.
select pg_temp.give ('a', jsonb_build_array (pg_temp.say (:acme, :sms, 'A', :ana, 'hello', pg_temp.t0 ()))) \gset
select last_event as before from gateway.counter where account_id = :acme \gset
select status as code, body from pg_temp.out (:acme, 'sms', :ana, 'o1') \gset
select is (:code, 201, 'an agent opts somebody out');
select is (:'body'::jsonb - 'at', jsonb_build_object ('id', pg_temp.id_of ('o1'), 'address', :ana, 'channel', 'sms', 'source', 'agent', 'word', null, 'ended_at', null,
                                                      'ended_by', null), 'on one channel, and is shown it');
select is (pg_temp.told (:acme, :before), '{contact.opted_out}', 'the log tells it');
select is ((select subject_id from gateway.event where account_id = :acme and type = 'contact.opted_out'), (select contact_id from gateway.address where account_id = :acme),
           'and of whom');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', 'the contact has opted out', 'nothing is accepted for them');
select is ((select status from pg_temp.send (:acme, :other, :ana, 'elsewhere')), 202, 'but on another channel');
select is ((select (status, body ->> 'id')::text from pg_temp.out (:acme, 'sms', :ana, 'o2')), format ('(200,%s)', pg_temp.id_of ('o1')), 'twice is once');
select is (pg_temp.told (:acme, :before), '{contact.opted_out,ticket.created,"message.queued elsewhere"}', 'and told once');
select is ((select status from pg_temp.out (:acme, null, :ana, 'o3')), 201, 'on all channels is another');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :other, :ana), 'SB409', 'the contact has opted out', 'and holds on each');
select is ((select array_agg (x) from is_opted_out (:globex, :gsms, :ana) x), '{f}', 'of this account');
select throws_ok (format ($$select pg_temp.out (%s, 'nowhere', %L, 'x')$$, :acme, :ana), 'SB422', 'no such channel', 'an unknown channel is refused');

-- Somebody new, with a key.
select last_event as before from gateway.counter where account_id = :acme \gset
select is ((select (status, replayed)::text from pg_temp.out (:acme, null, :bob, 'o4', 'k')), '(201,f)', 'somebody who never wrote may be opted out, too');
select is (pg_temp.told (:acme, :before), '{contact.created,contact.opted_out}', 'they are a contact from then on');
select is ((select (status, replayed, body ->> 'id')::text from pg_temp.out (:acme, null, :bob, 'o5', 'k')), format ('(201,t,%s)', pg_temp.id_of ('o4')), 'the same POST again has the same answer');
select throws_ok (format ($$select pg_temp.out (%s, 'sms', %L, 'x', 'k')$$, :acme, :bob), 'SB422', null, 'another with its key is refused');

-- In.
select last_event as before from gateway.counter where account_id = :acme \gset
select body::jsonb as body from api_opt_in (:acme, pg_temp.id_of ('o4'), pg_temp.t0 () + interval '1 minute') \gset
select is (:'body'::jsonb ->> 'ended_by', 'agent', 'an agent ends it');
select is (pg_temp.told (:acme, :before), '{contact.opted_in}', 'the log tells it');
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :bob) x), '{f}', 'they may be written to again');
select is ((select body::jsonb from api_opt_in (:acme, pg_temp.id_of ('o4'), pg_temp.t0 () + interval '2 minutes')), :'body'::jsonb, 'twice is once');
select is (pg_temp.told (:acme, :before), '{contact.opted_in}', 'and told once');
select throws_ok (format ($$select api_opt_in (%s, %L, now ())$$, :globex, pg_temp.id_of ('o1')), 'SB404', 'no such opt-out', 'another account''s is not there');

-- Over what a customer said: START would end that, but not this.
select pg_temp.give ('s', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', pg_temp.t0 (), 'messages', jsonb_build_array (
    jsonb_build_object ('id', 'S', 'from', :bob, 'text', 'STOP', 'keyword', 'stop'))))) \gset
select is ((select status from pg_temp.out (:acme, 'sms', :bob, 'o6')), 201, 'an agent opts somebody out who has said STOP');
select is ((select array_agg (concat_ws (' ', source, ended_by) order by source) from gateway.opt_out where account_id = :acme and uri = :bob and channel_id = :sms), '{agent,"keyword agent"}',
           'both are kept, the agent''s holds');
select pg_temp.give ('t', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', pg_temp.t0 (), 'messages', jsonb_build_array (
    jsonb_build_object ('id', 'T', 'from', :bob, 'text', 'START', 'keyword', 'start'))))) \gset
select is ((select array_agg (x) from is_opted_out (:acme, :sms, :bob) x), '{t}', 'START does not end it');

-- CSV.
select is (csv_line ('a', null, '', 'b,c', 'd"e', E'f\r\ng', '-1', '+1', '=1+1', '@x', E'\tx', '=a,"b"', 'tel:+1'),
           E'a,,,"b,c","d""e","f\r\ng",''-1,''+1,''=1+1,''@x,''\tx,"''=a,""b""",tel:+1\r\n', 'fields are quoted where they must be, and are no formulas');
update gateway.opt_out set word = '=HYPERLINK("x")' where account_id = :acme and opt_out_id = pg_temp.id_of ('o1');
select data from api_opt_outs_csv (:acme, 100, null) \gset
select is ((select next from api_opt_outs_csv (:acme, 100, null)), null, 'a page that holds all is the last');
select is ((string_to_array (:'data', E'\r\n'))[1], 'address,channel,source,word,at,ended_at,ended_by', 'the first line is the header');
select is (cardinality (string_to_array (:'data', E'\r\n')), 1 + 5 + 1, 'a line for each, each with its end');
select ok (:'data' like E'%\r\ntel:+15552220001,sms,agent,"''=HYPERLINK(""x"")",2026-03-02T10:00:00.000000Z,,\r\n%', 'with what was said');
select ok (:'data' like E'%\r\ntel:+15552220002,,agent,,2026-03-02T10:00:00.000000Z,2026-03-02T10:01:00.000000Z,agent\r\n%', 'and how it ended');
select ok ((select a.data || replace (b.data, (string_to_array (b.data, E'\r\n'))[1] || E'\r\n', '') = :'data' and b.next is null
            from api_opt_outs_csv (:acme, 3, null) a, api_opt_outs_csv (:acme, 3, a.next) b), 'pages together are the whole');
select is ((select data from api_opt_outs_csv (:globex, 3, null)), E'address,channel,source,word,at,ended_at,ended_by\r\n', 'where there is nobody, the header is alone');

-- Blocked.
select contact_id as contact from gateway.address where account_id = :acme and uri = :ana \gset
update gateway.opt_out set ended_at = now (), ended_by = 'agent' where account_id = :acme and uri = :ana;
select from pg_temp.send (:acme, :sms, :ana, 'waits');
select last_event as before from gateway.counter where account_id = :acme \gset
select body::jsonb as body, version from api_contact_patch (:acme, :'contact', 1, false, null, true, pg_temp.t0 ()) \gset
select is ((:'body'::jsonb ->> 'blocked_at', :version)::text, '(2026-03-02T10:00:00.000000Z,2)', 'a contact is blocked');
select is (pg_temp.told (:acme, :before), '{contact.updated}', 'the log tells it');
select throws_ok (format ($$select pg_temp.send (%s, %s, %L, 'x')$$, :acme, :sms, :ana), 'SB409', 'the contact is blocked', 'nothing is accepted for them');
select pg_temp.take ('w', :acme, :sms) \gset
select is ((select refusal from taken where name = 'waits'), 'blocked', 'what was queued before is refused when its turn comes');
select is (pg_temp.give ('b', jsonb_build_array (pg_temp.say (:acme, :sms, 'B', :ana, 'still here', pg_temp.t0 ())))::text, '(1,0,0,0)', 'what they write is stored all the same');
select is ((select (version, body::jsonb ->> 'blocked_at')::text from api_contact_patch (:acme, :'contact', 2, false, null, true, pg_temp.t0 () + interval '1 hour')),
           '(2,2026-03-02T10:00:00.000000Z)', 'blocked again, nothing changes');
select throws_ok (format ($$select api_contact_patch (%s, %L, 1, false, null, false, now ())$$, :acme, :'contact'), 'SB412', null, 'who has not read the newest version is told');
select is ((select (version, body::jsonb ->> 'name', body::jsonb ->> 'blocked_at' is null)::text from api_contact_patch (:acme, :'contact', 2, true, 'Ana', false, pg_temp.t0 ())),
           '(3,Ana,t)', 'a name and an end of the block in one');
select is ((select (version, body::jsonb ->> 'name')::text from api_contact_patch (:acme, :'contact', 3, false, null, null, pg_temp.t0 ())), '(3,Ana)', 'what is not given stays');
select is ((select (version, body::jsonb ->> 'name')::text from api_contact_patch (:acme, :'contact', 3, true, null, null, pg_temp.t0 ())), '(4,)', 'a name can be taken away');
select is ((select status from pg_temp.send (:acme, :sms, :ana, 'again')), 202, 'they may be written to again');
select throws_ok (format ($$select api_contact_patch (%s, %L, 4, false, null, true, now ())$$, :globex, :'contact'), 'SB404', 'no such contact', 'another account''s contact is not there');

-- What an author has not read.
select pg_temp.give ('n', (select jsonb_agg (pg_temp.say (:acme, :sms, 'N' || n, :ana, n::text, pg_temp.t0 ())) from generate_series (1, 201) n)) \gset
select body from pg_temp.send (:acme, :sms, :ana, 'blind', jsonb_build_object ('seen', (select last_number - 201 from gateway.ticket where account_id = :acme and channel_id = :sms))) \gset
select is ((jsonb_array_length (:'body'::jsonb -> 'newer'), :'body'::jsonb -> 'newer' -> 0 ->> 'text', :'body'::jsonb ->> 'more')::text, '(200,1,true)', 'of more than 200 newer messages the oldest are shown');
select is ((select (jsonb_array_length (body -> 'newer'), body ->> 'more')::text from pg_temp.send (:acme, :sms, :ana, 'blind', jsonb_build_object (
               'seen', (select last_number - 200 from gateway.ticket where account_id = :acme and channel_id = :sms)))), '(200,false)', 'of 200 all');
select * from finish ();
rollback;
