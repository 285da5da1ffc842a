"""Languages beside English: their words of the trade, as the English words that the rules are made of.

A line in one of these languages keeps its numbers, names and places; only what this table knows is put into English.
What it does not know is told as not used, as in any line.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from agent.interpret.words.grammar import Amount, Item
from agent.interpret.words.ordinary import GRAMMAR, ORDINARY
from agent.interpret.words.scanner import phrase_items
from agent.interpret.words.vocabulary import KINDS_OF

_TABLES: Final[dict[str, str]] = {
    "German": """
        nacht=night dokumente=documents dokument=document besuche=visits sprachmodell=llm sprachmodelle=llm
        inferenz=inference inferenzplattform=inference fällen=cases fälle=cases je_person=per_user arbeitstag=workday
        bedienstete=employees bediensteten=employees antwortbeginn=first_token fünftel=fifth drittel=third
        viertel=quarter hälfte=half davon= vielleicht= aktiv=active parallel=concurrent anfragen=requests
        anfrage=request abfragen=queries abrufe=requests aufrufe=calls aufruf=call fragen=questions frage=question
        nachrichten=messages nachricht=message gespräche=conversations unterhaltungen=conversations nutzer=users
        benutzer=users anwender=users nutzern=users benutzern=users kunden=customers mitarbeiter=employees
        mitarbeitern=employees mitarbeitende=employees entwickler=developers entwicklern=developers leute=people
        personen=people studenten=students studierende=students jeder=each jede=each jedes=each stellt=asks stellen=ask
        fragt=asks schreibt=writes je_nutzer=per_user pro_nutzer=per_user pro_person=per_user pro_kopf=per_user
        pro_sekunde=per_second je_sekunde=per_second in_der_sekunde=per_second pro_minute=per_minute
        je_minute=per_minute in_der_minute=per_minute pro_stunde=per_hour je_stunde=per_hour in_der_stunde=per_hour
        die_stunde=per_hour stündlich=hourly pro_tag=per_day am_tag=per_day je_tag=per_day täglich=daily
        pro_woche=per_week in_der_woche=per_week wöchentlich=weekly pro_monat=per_month im_monat=per_month
        je_monat=per_month monatlich=monthly pro_jahr=per_year im_jahr=per_year jährlich=yearly sekunde=second
        sekunden=seconds millisekunden=milliseconds minuten=minutes stunde=hour stunden=hours tage=days wochen=weeks
        monate=months monaten=months jahre=years jahren=years eingabe=input eingaben=inputs eingang=input
        prompts=prompts ausgabe=output ausgaben=outputs antwort=answer antworten=answers wörter=words wörtern=words
        seiten=pages zeichen=characters token=tokens mit=with ohne=without kein=no keine=no keinen=no nicht=not
        unter=under höchstens=at_most maximal=at_most mindestens=at_least im_schnitt=on_average
        durchschnittlich=on_average im_mittel=on_average durchschnitt=average gleichzeitig=concurrent
        gleichzeitige=concurrent gleichzeitigen=concurrent spitze=peak stoßzeit=peak_hour spitzenstunde=peak_hour
        million=million millionen=million mio=million tausend=thousand milliarden=billion karten=cards
        grafikkarten=gpus knoten=nodes kontext=context wachstum=growth wächst=grows und=and oder=or auf=on von=of
        zwei=two drei=three vier=four fünf=five zehn=ten latenz=latency erstes_token=first_token
        zum_ersten_token=first_token budget=budget reserve=spare ausfall=failure spitzenlast=peak hallo= wie= viele=
        bei=with wir= ich= betreiben=run brauchen=need brauche=need benötigen=need wollen=want möchten=want monat=month
        weniger_als=less_than in_weniger_als=under haben=have ein=a eine=a einen=a einem=a einer=a der=the die=the
        das=the den=the dem=the ist=is sind=are so= hoch=high etwa=about ungefähr=about rund=about für=for mal=times
        pro=per je=per einmal=once zweimal=twice dreimal=triple modell=model unser=our unsere=our unseren=our
        soll=should sollen=should werden= wird= im=in zum=for pro_anfrage=per_request
        anfragen_pro_sekunde=requests_per_second wachsen=grow jährliches=yearly verdoppelt=doubles doppelte=double
        dreifache=triple vierfache=quadruple fünffache=fivefold zehnfache=tenfold kundenanfragen=requests
        kundenanfrage=request stellen_wir= ausfälle=failures ausfallen=fail fällt_aus=fails fallen_aus=fail
        verlust=loss verkraften=survive verkraftet=survives überstehen=survive übersteht=survives aushalten=survive
        verlieren=lose eines=a zweier=two servern=servers rechner=machine knotens=node replik=replica repliken=replicas
        replikas=replicas muss=must darf=may dürfen=may wenn=if sechs=six sieben=seven acht=eight neun=nine elf=eleven
        zwölf=twelve dreizehn=thirteen vierzehn=fourteen fünfzehn=fifteen sechzehn=sixteen siebzehn=seventeen
        achtzehn=eighteen neunzehn=nineteen zwanzig=twenty dreißig=thirty vierzig=forty fünfzig=fifty sechzig=sixty
        siebzig=seventy achtzig=eighty neunzig=ninety hundert=hundred erste_antwort=first_response
        erste_token=first_token ersten_token=first_token ersten_antwort=first_response standort=location
        rechenzentrum=datacenter gehostet=hosted perzentil=percentile rein=in raus=out eingehend=input ausgehend=output
        juristen=lawyers anwälte=lawyers anwalt=lawyer jurist=lawyer arzt=doctor schüler=pupils sachbearbeiter=clerks
        ärzte=doctors pfleger=nurses lehrer=teachers berater=consultants techniker=technicians händler=traders
        pro_mitarbeiter=per_user je_mitarbeiter=per_user pro_stück=each pro_kunde=per_user kommen=come wirklich=really
        bitte=please nach=within alle=all heute=today sofort=now bestand=currently statt=replacing anstatt=replacing
        derzeit=currently aktuell=currently momentan=currently im_moment=at_the_moment gegenwärtig=currently
        künftig=later laufen=run läuft=runs gebraucht=needed gleiches=same gleiche=same gleichen=same lieferant=vendor
        anbieter=vendor bietet=offers angeboten=offered angebot=quote reichen=enough reicht=enough genügen=enough
        genügt=enough besitzen=own eigene=own_our eigenes_rechenzentrum=own_datacenter
        eigenen_rechenzentrum=own_datacenter eigenem_rechenzentrum=own_datacenter eigenen=own_our server=servers
        halbe=half halben=half halber=half anderthalb=one_and_a_half eineinhalb=one_and_a_half dutzend=dozen
        jeder_zehnte=one_in_ten jeder_fünfte=one_in_five jeder_zwanzigste=one_in_twenty wechseln_von=move_from
        umsteigen_von=move_from umstieg_von=move_from wechseln=move im_gleichen_moment=at_the_same_time
        zur_gleichen_zeit=at_the_same_time insgesamt=in_total zu_spitzenzeiten=at_peak vorhanden=own_our sein=be
        verfügbarkeit=availability jedwede=every bis_zu=up_to bis=to uhr=oclock zwischen=between anfr=requests
        mtl=monthly sek=second std=hour beschäftigte=employees spitzen=peak spitze=peak verkehr=traffic verkehrs=traffic
        des=of doppelt_so_hoch=twice dreimal_so_hoch=three_times seite=page dokumenten=documents
    """,
    "French": """
        abonnés=customers
        paramètres=parameters dizaine_de=ten vingtaine_de=twenty nuit=night courriels=mails courriel=mail en=in
        premier_mot=first_token avant_le_premier_mot=until_first_token maxi=at_most toutes_les=every tous_les=every
        échange=exchange échanges=exchanges entre_deux=between_two tours=turns tour=turn uniquement=only
        exclusivement=only hébergement=hosted hébergé=hosted hébergée=hosted à=at jeton=token jetons=tokens
        juristes=lawyers juriste=lawyer avocats=lawyers avocat=lawyer médecin=doctor médecins=doctors infirmiers=nurses
        enseignants=teachers élèves=pupils agents=agents conseillers=advisors posent=ask pose=asks envoient=send
        envoie=sends font=make première_réponse=first_response prévoyons=expect requêtes=requests requête=request
        demandes=requests appels=calls appel=call messages=messages conversations=conversations utilisateurs=users
        utilisateur=user clients=customers employés=employees salariés=employees développeurs=developers
        personnes=people étudiants=students chacun=each chacune=each chaque_utilisateur=each_user
        par_utilisateur=per_user par_personne=per_user par_seconde=per_second à_la_seconde=per_second
        par_minute=per_minute par_heure=per_hour de_l'heure=per_hour par_jour=per_day chaque_jour=daily
        quotidiennes=daily quotidiens=daily par_semaine=per_week par_mois=per_month par_an=per_year seconde=second
        secondes=seconds millisecondes=milliseconds heure=hour heures=hours jour=day jours=days journée=day
        journées=days semaines=weeks mois=months ans=years en_entrée=input d'entrée=input entrée=input entrées=inputs
        en_sortie=output de_sortie=output sortie=output réponses=answers réponse=answer invites=prompts mots=words
        caractères=characters avec=with sans=without pas_de=no moins_de=less_than sous=under au_maximum=at_most
        au_plus=at_most au_moins=at_least modèle_de_langage=llm en_même_temps=at_the_same_time au_lieu_de=instead_of
        au_lieu_des=instead_of à_la_place_de=instead_of à_la_place_des=instead_of cas=cases
        en_moyenne=on_average moyenne=average simultanés=concurrent simultanées=concurrent en_parallèle=in_parallel
        pointe=peak heure_de_pointe=peak_hour million=million millions=million millions_de=million mille=thousand
        milliers=thousand milliards=billion cartes=cards cartes_graphiques=gpus nœuds=nodes contexte=context
        croissance=growth et=and ou=or sur=on de=of des=of deux=two trois=three quatre=four cinq=five dix=ten
        latence=latency premier_jeton=first_token premier_token=first_token bonjour= combien= nous= je= avons=have
        voulons=want veux=want besoin=need pour=for environ=about servir=serve déployer=deploy par=per qui=who le=the
        la=the les=the un=a une=a est=is sont=are en_moins_d'une=under_a moins_d'une=under_a en_moins_de=under
        inférieure_à=under inférieur_à=under dollars=dollars fois=times notre=our nos=our modèle=model
        par_requête=per_request doit=should j'ai=have l'= d'= double=doubles panne=failure pannes=failures
        tombe_en_panne=fails tombent_en_panne=fail perte=loss perdre=lose tenir=survive survivre_à=survive
        survivre=survive tolérer=tolerate encaisser=survive résister_à=survive d'un=of_a d'une=of_a serveur=server
        serveurs=servers nœud=node réplique=replica répliques=replicas réplica=replica réplicas=replicas peut=can
        peuvent=can si=if sept=seven huit=eight neuf=nine onze=eleven douze=twelve treize=thirteen quatorze=fourteen
        quinze=fifteen seize=sixteen vingt=twenty trente=thirty quarante=forty cinquante=fifty soixante=sixty
        soixante_dix=seventy quatre_vingts=eighty quatre_vingt=eighty quatre_vingt_dix=ninety vingt_et_un=twenty_one
        trente_et_un=thirty_one aujourd'hui=today actuellement=currently demain=tomorrow propres=own_our faut=need
        faudra=need même=same fournisseur=vendor propose=offers devis=quote suffit=enough suffisent=enough
        deux_cents=two_hundred trois_cents=three_hundred quatre_cents=four_hundred cinq_cents=five_hundred
        six_cents=six_hundred sept_cents=seven_hundred huit_cents=eight_hundred neuf_cents=nine_hundred
        centaine=hundred centaine_de=hundred centaines=hundred dizaine=ten douzaine=dozen vingtaine=twenty
        trentaine=thirty trentaine_de=thirty cinquantaine=fifty cinquantaine_de=fifty millier=thousand
        millier_de=thousand demi=half à_la_minute=per_minute la_minute=per_minute à_l'heure=per_hour l'heure=per_hour
        au_plus_fort=at_peak un_sur_dix=one_in_ten un_sur_cinq=one_in_five un_sur_vingt=one_in_twenty connecté=online
        connectés=online connectée=online dont=of_which voudrait=want voudrions=want passer_de=move_from
        passer_du=move_from passer=move trafic=traffic du=of pic=peak environ_de=about rentre=input ressort=output
        disponibilité=availability pas_plus_de=at_most contrats=contracts aux_heures_de_pointe=at_peak
        heures_de_pointe=peak_hours identiques=identical toujours=always dans=in maintenant=currently
        en_ce_moment=currently moitié=half l'an_prochain=next_year l'année_prochaine=next_year
        par_conversation=per_conversation
    """,
    "Spanish": """
        turno=turn turnos=turns entre=between cada=every arranque=starts arranca=starts abogados=lawyers abogado=lawyer
        médico=doctor médicos=doctors enfermeros=nurses enfermeras=nurses profesores=teachers alumnos=pupils
        personas=people agentes=agents envía=sends envían=send primera_respuesta=first_response alojado=hosted
        solicitudes=requests solicitud=request peticiones=requests petición=request consultas=queries consulta=query
        llamadas=calls preguntas=questions pregunta=question mensajes=messages conversaciones=conversations
        usuarios=users usuario=user clientes=customers empleados=employees desarrolladores=developers
        estudiantes=students cada_uno=each cada_una=each cada_usuario=each_user por_usuario=per_user
        por_persona=per_user hace=asks hacen=ask por_segundo=per_second al_segundo=per_second por_minuto=per_minute
        por_hora=per_hour a_la_hora=per_hour por_día=per_day al_día=per_day diarias=daily diarios=daily cada_día=daily
        por_semana=per_week por_mes=per_month al_mes=per_month por_año=per_year al_año=per_year segundo=second
        segundos=seconds milisegundos=milliseconds minuto=minute minutos=minutes hora=hour horas=hours día=day
        días=days jornada=day jornadas=days semanas=weeks meses=months años=years de_entrada=input entrada=input
        entradas=inputs de_salida=output salida=output salidas=outputs respuestas=answers respuesta=answer
        palabras=words páginas=pages caracteres=characters con=with sin=without menos_de=less_than bajo=under
        como_máximo=at_most al_menos=at_least modelo_de_lenguaje=llm a_la_vez=at_the_same_time en_vez_de=instead_of
        activos=active activas=active esa=that ese=that
        en_lugar_de=instead_of casos=cases
        de_media=on_average en_promedio=on_average promedio=average simultáneos=concurrent simultáneas=concurrent
        pico=peak picos_de=peak picos=peaks usa=uses usan=use hora_punta=peak_hour hora_pico=peak_hour
        millón_de=million millón=million millones=million millones_de=million mil=thousand tarjetas=cards nodos=nodes
        contexto=context crecimiento=growth y=and o=or en=on de=of dos=two tres=three cuatro=four cinco=five diez=ten
        latencia=latency primer_token=first_token hola= cuántas= cuántos= necesitamos=need necesito=need queremos=want
        tenemos=have para=for unos=about unas=about aproximadamente=about el=the la=the los=the las=the un=a una=a
        es=is son=are veces=times por=per que=who servir=serve desplegar=deploy nuestro=our nuestra=our modelo=model
        por_solicitud=per_request debe=should se_duplica=doubles dólares=dollars dólar=dollar presupuesto=budget
        mensuales=per_month en_menos_de=under inferior_a=under caída=failure caídas=failures fallo=failure
        fallos=failures falla=fails pérdida=loss perder=lose cae=fails soportar=survive tolerar=tolerate
        resistir=survive sobrevivir_a=survive sobrevivir=survive aguantar=survive servidor=server servidores=servers
        nodo=node réplica=replica réplicas=replicas del=of_the puede=can pueden=can si=if seis=six siete=seven
        ocho=eight nueve=nine once=eleven doce=twelve trece=thirteen catorce=fourteen quince=fifteen dieciséis=sixteen
        diecisiete=seventeen dieciocho=eighteen diecinueve=nineteen veinte=twenty veintiuno=twenty_one
        veintidós=twenty_two veinticinco=twenty_five treinta=thirty treinta_y=thirty cuarenta=forty cuarenta_y=forty
        cincuenta=fifty cincuenta_y=fifty sesenta=sixty setenta=seventy ochenta=eighty noventa=ninety cien=a_hundred
        ciento=a_hundred hoy=today actualmente=currently usamos=use mismo=same misma=same proveedor=vendor
        propias=own_our propios=own_our ofrece=offers oferta=quote basta=enough bastan=enough medio=half
        media_hora=half_an_hour docena=dozen centenar=hundred centenar_de=hundred millar=thousand
        doscientos=two_hundred doscientas=two_hundred trescientos=three_hundred trescientas=three_hundred
        cuatrocientos=four_hundred cuatrocientas=four_hundred quinientos=five_hundred quinientas=five_hundred
        seiscientos=six_hundred seiscientas=six_hundred setecientos=seven_hundred ochocientos=eight_hundred
        ochocientas=eight_hundred uno_de_cada_diez=one_in_ten uno_de_cada_cinco=one_in_five
        al_mismo_tiempo=at_the_same_time conectados=online montar=deploy cambiar=move disponibilidad=availability
        tope_de=at_most tope=at_most doble=double informes=reports informe=report ahora=currently
        en_este_momento=currently mitad=half noche=night documentos=documents asientos=seats el_próximo_año=next_year
        por_conversación=per_conversation conversación=conversation media=average región=region
    """,
    "Chinese": """
        每秒=every_second 每分钟=every_minute 每小时=every_hour 每天=every_day 每日=every_day 每周=every_week
        每月=every_month 每年=every_year 每人=each_user 每个用户=each_user 每位用户=each_user 请求=requests
        查询=queries 问题=questions 提问=ask 消息=messages 对话=conversations 调用=calls 用户=users 员工=employees
        开发者=developers 开发人员=developers 学生=students 人=people 输入=input 提示词=prompt 提示=prompt 输出=output
        回答=answer 回复=answer 生成=output 长度=length 词元=tokens 字=hanzi 秒=seconds 毫秒=milliseconds 分钟=minutes
        小时=hours 天=days 个月=months 年=years 模型=model 显卡=gpus 卡=cards 张=x 台=nodes 节点=nodes 万=wan 亿=yi
        千=thousand 百万=million 并发=concurrent 平均=average 峰值=peak 高峰=peak 首=first 首字延迟=first_token
        首个词元=first_token 首词延迟=first_token 延迟=latency 不超过=at_most 最多=at_most 低于=under 小于=under
        至少=at_least 和=and 或=or 个= 次=requests 次请求=requests 次调用=calls 次查询=queries 条= 位= 名= 有= 问=ask
        的= 了= 我们= 需要= 使用= 用= 在= 每=every 上=on 吗= 多少= 部署= 服务= 约=about 大约=about 左右= 一天=a_day
        一秒=a_second 目前=currently 现有=currently 现在=currently 当前=currently 一百=a_hundred 百=hundred 倍=times
        是=is 为=is 想= 以内= 同时=concurrent 同时在线=concurrent_users 十分之一=one_in_ten 高峰期=peak 峰值时=peak
        每人每天=each_user_every_day 首token=first_token 首个token=first_token 首字=first_token 东京=tokyo 张卡=gpus
        日均=every_day 轮=turns 晚高峰=peak 以上= 预算=budget 元人民币=yuan 人民币=yuan 场景= 日活=daily_active_users
        人均=each_user 系数=factor 座席=seats 坐席=seats 每座席=each_user 每坐席=each_user 呼叫中心=offices
        通电话=calls 每个=each
    """,
    "Japanese": """
        毎秒=every_second 毎分=every_minute 毎時=every_hour 毎日=every_day 一日=every_day 毎月=every_month 人=users
        名=users 回=requests 件=requests 約=about 回質問=questions 回の質問=questions 件の質問=questions
        リクエスト=requests 質問=questions 問い合わせ=questions ユーザー=users 利用者=users 社員=employees 入力=input
        プロンプト=prompt 出力=output 回答=answer トークン=tokens 最初のトークン=first_token 秒=seconds
        ミリ秒=milliseconds 文字=hanzi 分=minutes 時間=hours ピーク=peak 平均=average モデル=model 同時=concurrent
        遅延=latency 現在=currently 未満=under 以下= 以内= まで= は= が= を= の= で= に= と=and 万=wan 億=yi
        千=thousand です= ます= ノード=nodes そ= その= 倍=times 百=hundred 応答=response 返答=answer
        最初の応答=first_response 最初の返答=first_response 最初の文字=first_token リージョン=region
        一人あたり=each_user 一人当たり=each_user 一人=each_user あたり=per 当たり=per 同時接続=concurrent
        同時に=concurrent くらい= ぐらい= 程度= 希望= ほど= 平均で=on_average 一時間に=every_hour
        一件あたり=per_request 往復=turns 予算=budget 月=per_month 同時利用=concurrent 同時利用者=concurrent_users
        月額=per_month 席=seats コールセンター=call_center 一席あたり=each_user 一席当たり=each_user
    """,
    "Korean": """
        매초=every_second 초당=every_second 매분=every_minute 분당=every_minute 매시간=every_hour 시간당=every_hour
        매일=every_day 하루=every_day 일일=every_day 매월=every_month 한달=every_month 직원= 사용자= 이용자= 학생=
        명=users 명이=users 번=requests 번질문=questions 회=requests 건=requests 요청=requests 질문= 합니다= 입력=input
        프롬프트=prompt 출력=output 응답=answer 답변=answer 토큰=tokens 첫토큰=first_token 초=seconds
        밀리초=milliseconds 분=minutes 시간=hours 피크=peak 평균=average 모델=model 동시=concurrent 지연=latency
        이내=under 미만=under 이하=at_most 만=wan 억=yi 천=thousand 노드=nodes 각각=each 은= 는= 이= 가= 을= 를= 에=
        에서= 의= 와=and 과=and 약=about 배=times 백=hundred 백만=million 동시에=concurrent 인당=per_user
        일인당=each_user 한_명당=each_user 정도= 턴=turns 상담당=per_conversation 건의= 상담=conversations
        대화=conversations 예산=budget
    """,
    "Portuguese": """
        requisições=requests requisição=request pedidos=requests solicitações=requests consultas=queries
        perguntas=questions pergunta=question mensagens=messages usuários=users utilizadores=users
        funcionários=employees clientes=customers alunos=pupils cada_um=each cada_uma=each por_usuário=per_user
        por_pessoa=per_user por_segundo=per_second por_minuto=per_minute por_hora=per_hour por_dia=per_day
        por_mês=per_month ao_dia=per_day ao_mês=per_month segundo=second segundos=seconds milissegundos=milliseconds
        minutos=minutes horas=hours entrada=input saída=output resposta=answer respostas=answers palavras=words
        média=average em_média=on_average pico=peak picos=peaks usa=uses usam=use primeiro_token=first_token até=up_to
        no_máximo=at_most menos_de=less_than com=with sem=without milhão_de=million milhão=million milhões=million
        milhões_de=million mil=thousand reserva=spare falha=failure placas=cards nós=nodes servidores=servers
        contexto=context modelo=model precisamos=need precisamos_de=need dois=two três=three quatro=four cinco=five
        dez=ten região=region e=and hoje=today atualmente=currently ou=or de=of do=of_the da=of_the em=on para=for um=a
        uma=a os=the as=the dos=of_the meio=half meia=half duzentos=two_hundred duzentas=two_hundred
        trezentos=three_hundred trezentas=three_hundred quatrocentos=four_hundred quinhentos=five_hundred
        quinhentas=five_hundred seiscentos=six_hundred oitocentos=eight_hundred cem=a_hundred vinte=twenty
        trinta=thirty quarenta=forty cinquenta=fifty vezes=times dúzia=dozen ao_mesmo_tempo=at_the_same_time
        em_vez_de=instead_of
        um_em_cada_dez=one_in_ten temos=have nossos=our saida=output queremos=want é=is na_média=on_average
        no_pico=at_peak dobro=double triplo=triple aluno=pupil cada_aluno=each_user região_de=region umas=about
        uns=about atendentes=agents advogados=lawyers médicos=doctors páginas=pages documentos=documents
        agora=currently no_momento=currently metade=half conversas=conversations conversa=conversation
        por_conversa=per_conversation dentro=in fora=out cartões=cards dia=day dias=days hora=hour semana=week
        mês=month meses=months
    """,
    "Italian": """
        ciao= richieste=requests richiesta=request domande=questions domanda=question messaggi=messages utenti=users
        utente=user dipendenti=employees clienti=customers studenti=students ciascuno=each ognuno=each
        per_utente=per_user al_secondo=per_second al_minuto=per_minute all'ora=per_hour al_giorno=per_day
        al_mese=per_month secondo=second secondi=seconds millisecondi=milliseconds minuti=minutes giorno=day
        giorni=days giornata=day giornate=days ora=hour ore=hours settimana=week mese=month mesi=months anno=year
        anni=years ingresso=input in_ingresso=input uscita=output in_uscita=output risposta=answer risposte=answers
        parole=words media=average in_media=on_average picco=peak primo_token=first_token al_massimo=at_most
        meno_di=less_than con=with senza=without milione=million milione_di=million milioni=million milioni_di=million
        mila=thousand riserva=spare guasto=failure schede=cards nodi=nodes server=servers contesto=context
        modello=model abbiamo=have vorrei=want due=two tre=three quattro=four cinque=five dieci=ten di=of da=of
        del=of_the della=of_the gli=the il=the un=a oggi=today attualmente=currently una=a per=for lunghe= lunghi=
        corte= corti= mezzo=half mezza=half mille=thousand cento=hundred centinaio=hundred centinaio_di=hundred
        migliaio=thousand migliaio_di=thousand decina_di=ten dozzina=dozen venti=twenty trenta=thirty quaranta=forty
        cinquanta=fifty duecento=two_hundred trecento=three_hundred quattrocento=four_hundred cinquecento=five_hundred
        seicento=six_hundred ottocento=eight_hundred duemila=two_thousand tremila=three_thousand
        cinquemila=five_thousand diecimila=ten_thousand servono=need serve=need circa=about su=on quanto=how_much
        costa=cost nostri=our volte=times uno_su_dieci=one_in_ten contemporaneamente=concurrent invece_di=instead_of
        invece_che=instead_of al_posto_di=instead_of entro=under è=is ci=
        ventina_di=twenty trentina_di=thirty cinquantina_di=fifty doppio=double triplo=triple persone=people fa=makes
        non_più_di=at_most abitanti=people a_testa=each ogni_giorno=every_day usa=uses avvocati=lawyers avvocato=lawyer
        documenti=documents documento=document pagine=pages pagina=page dentro=in fuori=out ogni=each medici=doctors
        vorremmo=want notte=night adesso=currently al_momento=currently scheda=card pagine_in_ingresso=pages_in
        conversazioni=conversations conversazione=conversation per_conversazione=per_conversation
    """,
    "Dutch": """
        beurten=turns beurt=turn per_gesprek=per_conversation
        verzoeken=requests verzoek=request aanvragen=requests vragen=questions vraag=question berichten=messages
        gebruikers=users gebruiker=user medewerkers=employees klanten=customers studenten=students elk=each ieder=each
        iedere=each per_gebruiker=per_user per_seconde=per_second per_minuut=per_minute per_uur=per_hour
        per_dag=per_day per_maand=per_month seconde=second seconden=seconds milliseconden=milliseconds minuten=minutes
        uur=hours dagen=days invoer=input uitvoer=output antwoord=answer antwoorden=answers woorden=words
        gemiddeld=average piek=peak piekmomenten=peak eerste_token=first_token hoogstens=at_most maximaal=at_most
        minder_dan=less_than met=with zonder=without miljoen=million duizend=thousand uitval=failure kaarten=cards
        knooppunten=nodes knooppunt=node servers=servers samen=together in_plaats_van=instead_of tegelijk=concurrent
        twee=two drie=three
        vier=four vijf=five tien=ten van=of voor=for een=a het=the uit=out én=and en=and op=on graag= moet=must
        collega's= beste= liefst= vandaag=today momenteel=currently wij= we= hebben=have heb=have willen=want wil=want
        draaien=run draait=runs daar= dat=that genoeg=enough hoi= half=half anderhalf=one_and_a_half
        anderhalve=one_and_a_half tweehonderd=two_hundred driehonderd=three_hundred vierhonderd=four_hundred
        vijfhonderd=five_hundred achthonderd=eight_hundred tweeduizend=two_thousand honderd=hundred twintig=twenty
        dertig=thirty veertig=forty vijftig=fifty keer=times aan=at onze=our overstappen=move één_op_de_tien=one_in_ten
        gesprek=conversation gesprekken=conversations per_medewerker=per_user medewerker=employee dubbele=double
        kwart=quarter pagina's=pages documenten=documents binnen=under op_dit_moment=currently nu=currently
        op_het_moment=currently volgend_jaar=next_year juristen=lawyers artsen=doctors leerlingen=pupils
        docenten=teachers helft=half zoveel=as_much verkeer=traffic per_week=per_week nodig=needed dag=day maand=month
    """,
    "Polish": """
        zapytań=queries zapytania=queries pytań=questions żądań=requests wiadomości=messages użytkowników=users
        pracowników=employees klientów=customers każdy=each na_sekundę=per_second na_minutę=per_minute
        na_godzinę=per_hour na_dobę=per_day dziennie=daily miesięcznie=monthly tygodniowo=weekly sekundy=seconds
        sekund=seconds milisekund=milliseconds minut=minutes wejście=input wyjście=output odpowiedź=answer
        odpowiedzi=answers tokenów=tokens tokeny=tokens średnio=average szczyt=peak szczycie=peak
        pierwszy_token=first_token pierwszego_tokena=first_token najwyżej=at_most poniżej=under kart=cards węzły=nodes
        węzłów=nodes tysięcy=thousand tysiące=thousand milionów=million miliony=million zapasowe=spare zapasowy=spare
        zapasowych=spare awaria=failure dwa=two trzy=three cztery=four pięć=five pół=half półtora=one_and_a_half
        tys=thousand miliona=million milion=million sto=a_hundred dwieście=two_hundred trzysta=three_hundred
        pięćset=five_hundred osób=people zapytanie=query dla=for na=on jednocześnie=concurrent naraz=concurrent
        równocześnie=concurrent potrzebujemy=need serwery=servers serwer=server razy=times dzienne=daily
        średnia=average kosztuje=cost ile= żeby= mamy=have może=maybe ze= w=in słów=words słowa=words budżet=budget
        stron=pages strony=pages obecnie=currently teraz=currently dzisiaj=today dziś=today na_użytkownika=per_user
        na_osobę=per_user na_miesiąc=per_month na_dzień=per_day połowa=half prawników=lawyers lekarzy=doctors
        studentów=students uczniów=pupils zgłoszeń=tickets dokumentów=documents karty=cards karta=card kartach=cards
        albo=or lub=or oraz=and w_szczycie=at_peak godzin=hours dni=days maksymalnie=at_most każde=each każda=each
        serwerownia=datacenter około=about zadaje=asks zadają=ask z=with bez=without tydzień=week oddziałów=branches
        wejścia=input wyjścia=output po=each doradców=advisors doradca=advisor dzień=day godzina=hour miesiąc=month
    """,
    "Russian": """
        запросов=requests запроса=requests запросы=requests вопросов=questions сообщений=messages пользователей=users
        сотрудников=employees клиентов=customers каждый=each в_секунду=per_second в_минуту=per_minute в_час=per_hour
        в_день=per_day в_сутки=per_day в_месяц=per_month секунд=seconds секунды=seconds с=s мс=ms минут=minutes
        вход=input входе=input выход=output выходе=output ответ=answer ответы=answers токенов=tokens токена=tokens
        токены=tokens среднем=average средний=average пик=peak пике=peak первый_токен=first_token
        первого_токена=first_token не_больше=at_most не_более=at_most до=up_to меньше=under тысяч=thousand
        тысячи=thousand тыс=thousand миллионов=million млн=million узлы=nodes узлов=nodes узла=nodes узел=node
        карт=cards карты=cards серверов=servers два=two три=three четыре=four пять=five запасных=spare запасной=spare
        запасные=spare резерв=spare отказ=failure модель=model и=and на=on из=of полтора=one_and_a_half
        полторы=one_and_a_half пол=half полмиллиона=half_a_million сто=a_hundred двести=two_hundred
        триста=three_hundred четыреста=four_hundred пятьсот=five_hundred тысяча=thousand миллион=million для=for по=
        у_нас= одновременно=concurrent раз=times раза=times человек=people нужно=need десять=ten двадцать=twenty
        запрос=request каждый_десятый=one_in_ten операторов=operators обслужить=serve сейчас=currently сегодня=today
        страниц=pages страницы=pages слов=words половина=half часов=hours юристов=lawyers врачей=doctors
        документов=documents на_пользователя=per_user
    """,
    "Turkish": """
        istek=requests soru=questions mesaj=messages kullanıcı=users çalışan=employees müşteri=customers
        öğrenci=students kişi_başı=per_user saniyede=per_second dakikada=per_minute saatte=per_hour günde=per_day
        ayda=per_month saniye=seconds saniyeden=seconds milisaniye=milliseconds dakika=minutes saat=hours girdi=input
        istem=prompt çıktı=output yanıt=answer cevap=answer ilk_token=first_token ortalama=average zirve=peak
        en_fazla=at_most yedek=spare arıza=failure adet=x kart=cards düğüm=nodes milyon=million bin=thousand iki=two
        üç=three dört=four beş=five için=for ve=and yarım=half bir_buçuk=one_and_a_half yüz=a_hundred saniyenin=seconds
        altında=under kat=times katı=times eşzamanlı=concurrent aynı_anda=at_the_same_time kişi=people
        şu_anda=currently bugün=today sayfa=pages kelime=words belge=documents gece=night yarısı=half avukat=lawyers
        doktor=doctors öğretmen=teachers her_biri=each gün=day ay=month
    """,
    "Danish or Norwegian": """
        forespørgsler=requests forespørgsel=request forespørsler=requests forespørsel=request anmodninger=requests
        spørgsmål=questions spørsmål=questions beskeder=messages meldinger=messages samtaler=conversations
        samtale=conversation brugere=users bruger=user brukere=users bruker=user medarbejdere=employees
        ansatte=employees sagsbehandlere=clerks saksbehandlere=clerks kunder=customers studerende=students
        elever=pupils jurister=lawyers hver=each stiller=asks pr_bruger=per_user per_bruger=per_user
        per_bruker=per_user i_sekundet=per_second pr_sekund=per_second per_sekund=per_second i_minuttet=per_minute
        pr_minut=per_minute i_timen=per_hour pr_time=per_hour om_dagen=per_day pr_dag=per_day per_dag=per_day
        daglig=daily dagligt=daily om_ugen=per_week i_uken=per_week om_måneden=per_month pr_måned=per_month
        i_måneden=per_month sekunder=seconds minutter=minutes dage=days dager=days i_gennemsnit=on_average
        i_snitt=on_average gennemsnit=average gennemsnitligt=average spids=peak spidsbelastning=peak i_spidsen=at_peak
        topp=peak samtidig=concurrent samtidige=concurrent svar=answer svartid=response_time ind=in inn=in ud=out
        ut=out sider=pages tegn=characters mindre_end=less_than mindre_enn=less_than højst=at_most maks=at_most
        første_token=first_token kort=cards millioner=million tusind=thousand tusen=thousand og=and eller=or på=on
        med=with uden=without uten=without vi= har=have vil=want behøver=need trenger=need i_dag=today nu=currently
        nå=currently i_øjeblikket=currently knuder=nodes noder=nodes servere=servers halvdelen=half cirka=about
        omkring=about vores=our gange=times af=of tilfældene=cases tilfælde=cases tilfeller=cases dokumenter=documents
    """,
    "Swedish": """
        förfrågningar=requests förfrågan=request frågor=questions fråga=question anrop=calls meddelanden=messages
        användare=users anställda=employees handläggare=clerks kunder=customers studenter=students elever=pupils
        jurister=lawyers varje=each var_och_en=each ställer=asks per_användare=per_user per_sekund=per_second
        i_sekunden=per_second per_minut=per_minute per_timme=per_hour i_timmen=per_hour per_dag=per_day
        om_dagen=per_day dagligen=daily per_vecka=per_week per_månad=per_month i_månaden=per_month sekunder=seconds
        minuter=minutes timmar=hours dagar=days i_genomsnitt=on_average i_snitt=on_average genomsnitt=average topp=peak
        som_mest=at_peak samtidigt=concurrent samtidiga=concurrent svar=answer svarstid=response_time ut=out
        sidor=pages tecken=characters mindre_än=less_than högst=at_most första_token=first_token kort=cards
        miljoner=million miljon=million tusen=thousand och=and eller=or på=on med=with utan=without vi= har=have
        behöver=need vill=want idag=today nu=currently noder=nodes servrar=servers hälften=half ungefär=about
        cirka=about våra=our gånger=times hur= många= av=of dokument=documents halv=half sida=page
    """,
    "Czech": """
        dotazů=queries dotazy=queries požadavků=requests požadavky=requests zpráv=messages uživatelů=users
        zaměstnanců=employees zákazníků=customers studentů=students každý=each za_sekundu=per_second
        za_minutu=per_minute za_hodinu=per_hour za_den=per_day denně=daily měsíčně=monthly sekund=seconds
        sekundy=seconds minut=minutes hodin=hours vstup=input výstup=output odpověď=answer odpovědi=answers
        tokenů=tokens tokeny=tokens slov=words stran=pages průměrně=on_average v_průměru=on_average špička=peak
        ve_špičce=at_peak současně=concurrent první_token=first_token maximálně=at_most méně_než=less_than pod=under
        karet=cards milionů=million tisíc=thousand nebo=or na=on bez=without potřebujeme=need máme=have chceme=want
        dnes=today nyní=currently asi=about
    """,
    "Hindi": """
        अनुरोध=requests सवाल=questions प्रश्न=questions संदेश=messages उपयोगकर्ता=users कर्मचारी=employees
        ग्राहक=customers छात्र=students हर_एक=each हर=each प्रत्येक=each प्रति_सेकंड=every_second
        प्रति_मिनट=every_minute प्रति_घंटा=every_hour प्रति_घंटे=every_hour प्रति_दिन=every_day प्रतिदिन=daily
        रोज=daily दिन_में=per_day हर_एक_दिन_में=each_user_every_day महीने_में=per_month सेकंड=seconds मिनट=minutes
        घंटे=hours इनपुट=input आउटपुट=output जवाब=answer उत्तर=answer टोकन=tokens शब्द=words पेज=pages औसत=average
        औसतन=on_average पीक=peak एक_साथ=at_the_same_time पहला_टोकन=first_token अधिकतम=at_most हजार=thousand लाख=lakh
        करोड़=crore और=and या=or पर=on में=in के_लिए=for हमें= हमारे_पास=have हम= है= हैं= चाहिए=need चलाना=run
        चाहते=want पूछता=asks पूछते=ask पूछती=asks अभी=currently आज=today मॉडल=model कार्ड=cards लगभग=about
    """,
}
"""Words and phrases, spelt with _ for a blank, and what they are in English; nothing where the rules need no word."""

_SCALES: Final = ("hundred", "thousand")
_ONES: Final = {
    "ein": "one", "zwei": "two", "drei": "three", "vier": "four", "fünf": "five", "sechs": "six", "sieben": "seven",
    "acht": "eight", "neun": "nine",
}  # fmt: skip
_TENS: Final = {
    "zwanzig": "twenty", "dreißig": "thirty", "vierzig": "forty", "fünfzig": "fifty", "sechzig": "sixty",
    "siebzig": "seventy", "achtzig": "eighty", "neunzig": "ninety",
}  # fmt: skip
"""German writes 25, 200 and 2,000 in one word: fünfundzwanzig, zweihundert, zweitausend."""
_TABLES["German"] += " ".join(
    [f"{one}und{ten}={_TENS[ten]}_{_ONES[one]}" for one in _ONES for ten in _TENS]
    + [f"{ten}tausend={_TENS[ten]}_thousand" for ten in _TENS]
    + ["zehntausend=ten_thousand", "fünfzehntausend=fifteen_thousand", "hunderttausend=a_hundred_thousand"]
    + [
        f"{one}{scale}={_ONES[one]}_{english}"
        for one in _ONES
        for scale, english in (("hundert", "hundred"), ("tausend", "thousand"))
    ]
)
_DOTTED: Final = ("German", "Spanish", "Portuguese", "Italian", "Dutch", "Turkish", "Danish or Norwegian")
"""Languages that write 2.000 for two thousand."""
CHINESE: Final = re.compile(r"[ぁ-ヿ一-鿿가-힣]")
"""Taken by character: Chinese and Japanese, written without blanks, and Korean, whose particles are glued on."""
_KANA: Final = re.compile(r"[ぁ-ヿ]")
_HANGUL: Final = re.compile(r"[가-힣]")
_ONE_OF: Final = "一"
_BY_CHARACTER: Final = ("Chinese", "Japanese", "Korean")


@cache
def _phrases() -> dict[str, dict[str, list[tuple[tuple[str, ...], str]]]]:
    """Return, by language and first word, its phrases, the longest first, and what they are in English."""
    found: dict[str, dict[str, list[tuple[tuple[str, ...], str]]]] = {}
    for language, table in _TABLES.items():
        by_first = found.setdefault(language, {})
        for entry in table.split():
            phrase, _, english = entry.partition("=")
            plain = plain_letters(phrase)
            words = tuple(plain if language in _BY_CHARACTER else plain.split("_"))
            by_first.setdefault(words[0], []).append((words, english.replace("_", " ")))
        for phrases in by_first.values():
            phrases.sort(key=lambda pair: -len(pair[0]))
    return found


def plain_letters(text: str) -> str:
    """Return a text in lower case without accents: 'Réponses' is 'reponses'."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize(
        "NFD", text.lower().replace("ß", "ss").replace("œ", "oe").replace("’", "'").replace("ł", "l")
    )
    return unicodedata.normalize("NFC", "".join(one for one in decomposed if not unicodedata.combining(one)))


def put_into_english(text: str, items: list[Item]) -> tuple[list[Item], str]:
    """Return the items with the words that the table knows in English, and the language; empty where it is in doubt."""
    if not any(map(str.isalpha, text)):
        return items, ""
    items = _counted(text, items) if CHINESE.search(text) else items
    words = [plain_letters(text[item.start : item.end]) for item in items]
    letters = {word for word in words if word[:1].isalpha() and not any(map(str.isdigit, word))}
    strange = {word for word in letters if _may_be_foreign(word)}
    if not strange and not any(word in KINDS_OF or word in ORDINARY for word in letters):
        strange = letters  # 'und mit L40S?'
    places = [at for at, word in enumerate(words) if word in strange]
    hits = {
        language: found
        for language, by_first in (_phrases().items() if places else ())
        if (found := sum(_begins(words, at, by_first) for at in places if words[at] in by_first))
    }
    if not hits:
        return items, ""
    known = {language: sum(word in _phrases()[language] for word in words) for language in hits}
    by_script = "Japanese" if _KANA.search(text) else "Korean" if _HANGUL.search(text) else ""
    language = by_script or max(known, key=lambda name: (hits[name], known[name]))
    if by_script:  # '1日に15回' is by the day, '1人あたり' by the user
        pairs = zip(words, [*words[1:], ""], strict=True)
        words = [_ONE_OF if word == "1" and after in ("日", "人", "時", "件", "席") else word for word, after in pairs]
    elif language == "German":  # 'je 15 Anfragen' are of each, 'alle 5 Sekunden' every
        counted = {at for at, item in enumerate(items) if item.has("num")}
        before = {"je": "jeder", "alle": "jedwede"}
        words = [before.get(word, word) if at + 1 in counted else word for at, word in enumerate(words)]
    by_first = _phrases()[language]
    english = sum(word in GRAMMAR and word not in by_first for word in words)
    mixed = english > known[language]  # 'the doctors … die': of an English line only words that English lacks
    alike = any(known[other] >= known[language] for other in known if other != language)
    made: list[Item] = []
    index = 0
    while index < len(items):
        item = items[index]
        if item.has("num") and language in _DOTTED and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", words[index]):
            item.amount = Amount((float(words[index].replace(".", "")),))
        foreign = (not item.numeric or words[index] == _ONE_OF) and (not mixed or words[index] in strange)
        for phrase, said in by_first.get(words[index], ()) if foreign else ():
            last = index + len(phrase) - 1
            if tuple(words[index : last + 1]) == phrase:
                follows = made and made[-1].has("num", "small", "tens", "part", "scaleword", "unknown")
                one = "a " if said in _SCALES and not follows else ""  # 'mil usuarios', but not 'einige tausend'
                made += phrase_items(one + said, item.start, items[last].end)
                index = last
                break
        else:
            made.append(item)
        index += 1
    return made, "" if mixed or alike else language


_CJK_DIGITS: Final = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_CJK_TENS: Final = {"十": 10, "百": 100, "千": 1000}
_CJK_NUMBER: Final = re.compile(
    r"(?P<head>\d+(?:\.\d+)?)(?P<scale>[百千]万?)|[〇零一二两三四五六七八九十百千]{2,}(?![\d日])|[二两三四五六七八九十](?=倍|次|回|个|秒|张|台|枚|人)"
)
"""'5百', '一千五', '三百', '三倍'; what ends in 万 or 亿 is put together as a number and its scale."""


def _counted(text: str, items: list[Item]) -> list[Item]:
    """Put one number in the place of one that is written in Chinese characters."""
    for found in _CJK_NUMBER.finditer(text):
        start, end = found.span()
        inside = [item for item in items if start <= item.start < end]
        if found["head"]:
            value = float(found["head"])
            for scale in found["scale"]:
                value *= _CJK_TENS.get(scale, 10_000)
        else:
            value = _cjk_value(found.group())
        at = items.index(inside[0])
        number = Item(frozenset({"num"}), start, end, found.group(), Amount((value,)), numeric=True)
        items = [*items[:at], number, *items[at + len(inside) :]]
    return items


def _cjk_value(digits: str) -> float:
    """Return what digits mean; the last of '一千五' is of the next lower scale: 1,500."""
    total, one, last = 0.0, 0, 1
    for digit in digits:
        if scale := _CJK_TENS.get(digit):
            total, one, last = total + (one or 1) * scale, 0, scale
        else:
            one = one * 10 + _CJK_DIGITS[digit] if last == 1 else _CJK_DIGITS[digit]
            last = 10 if digit in "〇零" and last > 1 else last
    return total + one * (last / 10 if last > 1 else 1)


def _begins(words: list[str], at: int, by_first: dict[str, list[tuple[tuple[str, ...], str]]]) -> bool:
    """Whether a phrase of a language stands at a word: 'primer token' as much as 'anfragen'.

    Args:
        words: of the line, without accents.
        at: position of the word.
        by_first: the phrases of the language by their first word.
    """
    return any(tuple(words[at : at + len(phrase)]) == phrase for phrase, _ in by_first.get(words[at], ()))


def _may_be_foreign(word: str) -> bool:
    """Whether a word is none of English: of four letters at least, or Chinese."""
    return CHINESE.match(word) is not None or (len(word) > 3 and word not in KINDS_OF and word not in ORDINARY)
