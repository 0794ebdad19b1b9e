import { startHosts, startHost, removeLab, mirrorRequests } from './index.js';
import { readFileSync } from 'node:fs';
let t=Date.now(); const lap=(w:string)=>{console.log(w,((Date.now()-t)/1000).toFixed(1)); t=Date.now();};
const hosts = await startHosts([{name:'a',os:'debian13',network:'prove'},{name:'b',os:'debian12',network:'prove'}]); lap('start 2');
const s = readFileSync('/tmp/proof.sh','utf8');
const rs = await Promise.all(hosts.map(h=>h.ssh('sudo sh', {input:s})));
rs.forEach((r,i)=>console.log('#####',hosts[i]!.os,r.code,'\n',r.stdout.slice(-2500),r.stderr.slice(-1500))); lap('install');
const [a]=hosts; const h=a!;
for (const u of ['asks','locked','chatty','root']) { const r=await h.ssh('id -un; sudo -n id -un', {user:u}); console.log(u, JSON.stringify(r)); }
console.log(await h.ssh('sudo -S id -un', {user:'asks', input:'asks-password\n'}));
console.log(await h.exec('cat; id -un', {user:'postgres', input:'hello '}), await h.exec('exit 3'), await h.exec('cat'));
console.log(await h.exec('sed -i "s/x/y/" /etc/hosts && hostnamectl set-hostname zed && cat /etc/hostname; timedatectl | head -3')); lap('checks');
await h.stop(); lap('stop'); await h.start(); lap('start'); console.log((await h.ssh('hostname; systemctl is-system-running; systemctl is-active etcd')).stdout);
await h.kill(); await h.start(); lap('kill+start');
await h.disconnect(); console.log((await hosts[1]!.exec(`ping -c1 -W1 ${h.address}`)).code); await h.connect(); console.log((await hosts[1]!.exec(`ping -c1 -W1 ${h.address}`)).code, (await h.exec('ip -4 -br a; ip r')).stdout); lap('cable');
console.log((await mirrorRequests()).slice(-3));
await startHost({name:'a',os:'debian13',network:'prove'}).catch(e=>console.log('expected:',e.message));
await removeLab('prove'); lap('remove');
